#include "shm/board_history.h"

#include <string.h>

#include "shm/board.h"

/* Whatever is on the board, only what is there is touched. */
static uint32_t at_most(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
}

uint32_t board_history_used(const struct board *b, bool is_short)
{
	return is_short ? at_most(atomic_load(&b->history.short_n), HISTORY_SHORT)
			: at_most(atomic_load(&b->history.long_n), HISTORY_LONG);
}

static void *row_at(struct board *b, bool is_short, uint32_t i)
{
	return is_short ? b->history.short_rows[i] : b->history.long_rows[i];
}

void *board_history_row(struct board *b, bool is_short, uint32_t i)
{
	return i < board_history_used(b, is_short) ? row_at(b, is_short, i) : NULL;
}

void *board_history_add(struct board *b, bool is_short)
{
	uint32_t n = board_history_used(b, is_short);
	if (n >= (is_short ? (uint32_t)HISTORY_SHORT : (uint32_t)HISTORY_LONG))
		return NULL;
	atomic_store(is_short ? &b->history.short_n : &b->history.long_n, n + 1);
	return row_at(b, is_short, n);
}

void board_history_take(struct board *b, struct board *from)
{
	uint32_t long_n = board_history_used(from, false);
	uint32_t short_n = board_history_used(from, true);
	memcpy(b->history.long_rows, from->history.long_rows, (size_t)long_n * HISTORY_LONG_BYTES);
	memcpy(b->history.short_rows, from->history.short_rows,
	       (size_t)short_n * HISTORY_SHORT_BYTES);
	atomic_store(&b->history.long_n, long_n);
	atomic_store(&b->history.short_n, short_n);
}
