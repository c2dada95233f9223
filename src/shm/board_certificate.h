/*
 * The certificates that services show (row_certificate.h). The first agent of a generation writes
 * them down, before anybody reads.
 */
#ifndef NEAP_SHM_BOARD_CERTIFICATE_H
#define NEAP_SHM_BOARD_CERTIFICATE_H

#include <stdbool.h>

#include "base/str.h"
#include "shm/row_certificate.h"

struct board;

/*
 * Writes one down. Where there is no more room, it takes the place of the one that lasts longest, if
 * it ends earlier. name and file are cut.
 */
void board_certificate_add(struct board *b, const struct board_certificate *c);

/* Copies the i-th; false: there are not so many. */
bool board_certificate_at(const struct board *b, uint32_t i, struct board_certificate *to);

/* Puts a path into a row: all of it, or its end after "…". */
void board_certificate_set_file(struct board_certificate *c, struct str path);

#endif
