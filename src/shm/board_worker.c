#include "shm/board_worker.h"

void board_worker_note(struct board *b, unsigned worker)
{
	uint32_t used = atomic_load_explicit(&b->workers_used, memory_order_relaxed);
	while (worker >= used &&
	       !atomic_compare_exchange_weak_explicit(&b->workers_used, &used, worker + 1,
						      memory_order_release, memory_order_relaxed))
		continue;
}
