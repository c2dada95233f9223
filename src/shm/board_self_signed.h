/*
 * The certificate that neap made itself, with its key, as PEM. Clients that were told to trust it
 * meet the same one after a reload and after another binary took over: each generation has it from
 * the board of the one before. The first agent of a generation writes it, before anybody reads.
 */
#ifndef NEAP_SHM_BOARD_SELF_SIGNED_H
#define NEAP_SHM_BOARD_SELF_SIGNED_H

#include <stdio.h>

#include "base/str.h"

struct board;

enum { BOARD_SELF_SIGNED_BYTES = 4096 };

/* Keeps it; a text of more than BOARD_SELF_SIGNED_BYTES is not kept. */
void board_self_signed_set(struct board *b, struct str pem);

/* Its text, in BOARD_SELF_SIGNED_BYTES that the caller wipes; n = 0: there is none. */
struct str board_self_signed_get(const struct board *b, char *to);

/* For shm/state.c: after what else it writes, so that an older binary reads no further. */
void board_self_signed_write(const struct board *b, FILE *to);
void board_self_signed_read(struct board *b, FILE *from);

#endif
