#include "shm/board_clear.h"

#include "shm/board_cell.h"
#include "shm/board_queue.h"

static void clear_queues(struct board *b, unsigned worker)
{
	for (int pool = 0; pool < BOARD_POOLS_MAX; pool++) {
		struct board_queue *row = &b->queues[worker][pool];
		/* Killed between the two, it leaves one of them. */
		if ((board_queue_waiters(b, pool) >> worker & 1) != 0 ||
		    atomic_load_explicit(&row->waiting, memory_order_relaxed) != 0)
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
		if (atomic_load_explicit(&cell->h2_connections, memory_order_relaxed) != 0)
			board_h2_clear(cell);
		if (atomic_load_explicit(&cell->reserved, memory_order_relaxed) != 0)
			atomic_store_explicit(&cell->reserved, 0, memory_order_relaxed);
	}
	clear_queues(b, worker);
	atomic_store(&row->connections, 0);
	atomic_store(&row->light_tls, 0);
	atomic_store(&row->entry, 0);
	atomic_store(&row->hook, 0);
	atomic_store(&row->beat, 0);
	atomic_store(&row->pid, 0);
}
