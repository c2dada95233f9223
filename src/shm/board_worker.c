#include "shm/board.h"

void board_worker_note(struct board *b, unsigned worker)
{
	uint32_t used = atomic_load_explicit(&b->workers_used, memory_order_relaxed);
	while (worker >= used &&
	       !atomic_compare_exchange_weak_explicit(&b->workers_used, &used, worker + 1,
						      memory_order_release, memory_order_relaxed))
		continue;
}

uint32_t board_inflight(const struct board *b, int slot)
{
	uint32_t sum =
		atomic_load_explicit(&b->inflight[BOARD_EARLIER][slot], memory_order_relaxed);
	uint32_t workers = atomic_load_explicit(&b->workers_used, memory_order_acquire);
	for (uint32_t i = 0; i < workers; i++)
		sum += atomic_load_explicit(&b->inflight[i][slot], memory_order_relaxed);
	return sum;
}

void board_totals(const struct board *b, int slot, uint64_t *requests, uint64_t *failures)
{
	uint32_t workers = atomic_load_explicit(&b->workers_used, memory_order_acquire);
	const struct board_cell *earlier = &b->cells[BOARD_EARLIER][slot];
	*requests = stat_get(&earlier->requests);
	*failures = stat_get(&earlier->failures);
	for (uint32_t i = 0; i < workers; i++) {
		const struct board_cell *cell = &b->cells[i][slot];
		*requests += stat_get(&cell->requests);
		*failures += stat_get(&cell->failures);
	}
}

static void clear_queues(struct board *b, unsigned worker)
{
	for (int pool = 0; pool < BOARD_POOLS_MAX; pool++) {
		struct board_queue *row = &b->queues[worker][pool];
		if ((board_queue_waiters(b, pool) >> worker & 1) != 0)
			board_queue_set(b, worker, pool, 0, 0);
		if (atomic_load_explicit(&row->called_us, memory_order_relaxed) != 0)
			atomic_store(&row->called_us, 0);
	}
}

void board_worker_clear(struct board *b, unsigned worker)
{
	struct board_worker *row = &b->workers[worker];
	int32_t slots = atomic_load_explicit(&b->slots_used, memory_order_acquire);
	for (int32_t slot = 0; slot < slots; slot++) {
		struct board_cell *cell = &b->cells[worker][slot];
		/* Looked at first, so that rows never used stay without memory. */
		_Atomic uint32_t *inflight = &b->inflight[worker][slot];
		if (atomic_load_explicit(inflight, memory_order_relaxed) != 0)
			atomic_store_explicit(inflight, 0, memory_order_relaxed);
		if (atomic_load_explicit(&cell->reserved, memory_order_relaxed) != 0)
			atomic_store_explicit(&cell->reserved, 0, memory_order_relaxed);
	}
	clear_queues(b, worker);
	atomic_store(&row->connections, 0);
	atomic_store(&row->hook_since_ms, 0);
	atomic_store(&row->hook, 0);
	atomic_store(&row->beat, 0);
	atomic_store(&row->pid, 0);
}
