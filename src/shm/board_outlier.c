#include "shm/board_outlier.h"

#include "shm/board_worker.h"

bool board_outlier(struct board *b, unsigned worker, int slot, uint32_t longest)
{
	_Atomic uint32_t *cell = &b->cells[worker][slot].outliers;
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	struct board_backend *backend = &b->backends[slot];
	uint32_t streak = atomic_fetch_add_explicit(&backend->streak, 1, memory_order_relaxed) + 1;
	int32_t pool = atomic_load_explicit(&backend->pool, memory_order_relaxed);
	if (longest == 0 || streak != longest || pool < 0)
		return false;
	atomic_fetch_add_explicit(&b->pools[pool].outliers, 1, memory_order_release);
	return true;
}

void board_outliers(const struct board *b, int slot, uint32_t *requests, uint32_t *outliers)
{
	uint32_t workers = board_workers(b);
	*requests = *outliers = 0;
	for (uint32_t i = 0; i < workers; i++) {
		const struct board_cell *cell = &b->cells[i][slot];
		*requests += (uint32_t)atomic_load_explicit(&cell->requests, memory_order_relaxed);
		*outliers += atomic_load_explicit(&cell->outliers, memory_order_relaxed);
	}
}
