/*
 * How the last reload went. Written by the master alone.
 */
#ifndef NEAP_SHM_BOARD_LIFE_H
#define NEAP_SHM_BOARD_LIFE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct board;

/* A reload ended; why is "" when it went well. */
void board_life_note(struct board *b, struct str why, int64_t wall_ms);

/* Why the last one failed, "" when it did not. */
void board_life_error(const struct board *b, char *to, size_t size);

#endif
