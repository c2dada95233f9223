#include "shm/board_cell.h"

uint32_t board_inflight(const struct board *b, int slot)
{
	uint32_t sum =
		atomic_load_explicit(&b->inflight[BOARD_EARLIER][slot], memory_order_relaxed);
	uint32_t workers = board_workers(b);
	for (uint32_t i = 0; i < workers; i++)
		sum += atomic_load_explicit(&b->inflight[i][slot], memory_order_relaxed);
	return sum;
}

void board_totals(const struct board *b, int slot, uint64_t *requests, uint64_t *failures)
{
	uint32_t workers = board_workers(b);
	const struct board_cell *earlier = &b->cells[BOARD_EARLIER][slot];
	*requests = stat_get(&earlier->requests);
	*failures = stat_get(&earlier->failures);
	for (uint32_t i = 0; i < workers; i++) {
		const struct board_cell *cell = &b->cells[i][slot];
		*requests += stat_get(&cell->requests);
		*failures += stat_get(&cell->failures);
	}
}

void board_answers(const struct board *b, int slot, uint64_t to[BOARD_ANSWERS])
{
	uint32_t workers = board_workers(b);
	for (unsigned i = 0; i < BOARD_ANSWERS; i++) {
		to[i] = stat_get(&b->cells[BOARD_EARLIER][slot].answers[i]);
		for (uint32_t row = 0; row < workers; row++)
			to[i] += stat_get(&b->cells[row][slot].answers[i]);
	}
}

void board_h2_totals(const struct board *b, int slot, uint32_t *connections, uint32_t *streams)
{
	uint32_t workers = board_workers(b);
	*connections = *streams = 0;
	for (uint32_t i = 0; i < workers; i++) {
		const struct board_cell *cell = &b->cells[i][slot];
		*connections += atomic_load_explicit(&cell->h2_connections, memory_order_relaxed);
		*streams += atomic_load_explicit(&cell->h2_streams, memory_order_relaxed);
	}
}

void board_h2_clear(struct board_cell *cell)
{
	atomic_store_explicit(&cell->h2_connections, 0, memory_order_relaxed);
	atomic_store_explicit(&cell->h2_streams, 0, memory_order_relaxed);
}
