/*
 * Rows of what happened lately (row_history.h). The agent takes and fills them.
 */
#ifndef NEAP_SHM_BOARD_HISTORY_H
#define NEAP_SHM_BOARD_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

struct board;

/* How many rows of that kind are in use. */
uint32_t board_history_used(const struct board *b, bool is_short);

/* The i-th of them, HISTORY_LONG_BYTES or HISTORY_SHORT_BYTES long; NULL: there is none. */
void *board_history_row(struct board *b, bool is_short, uint32_t i);

/* One more, all zeros; NULL: all are in use. */
void *board_history_add(struct board *b, bool is_short);

/* In the master, before b serves: b has the rows of from, too. */
void board_history_take(struct board *b, struct board *from);

#endif
