/*
 * Failures as `eject` counts them: in a row over all workers, and for each worker.
 */
#ifndef NEAP_SHM_BOARD_OUTLIER_H
#define NEAP_SHM_BOARD_OUTLIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cc.h"
#include "shm/board.h"

/*
 * How an attempt ended, for pools with `eject`. board_outlier says true when the streak has just
 * got as long as `longest` (0: whatever): the agent should look.
 */
bool board_outlier(struct board *b, unsigned worker, int slot, uint32_t longest);

/* The attempt went well: the streak is over. Writes only where there is one. */
static inline void board_well(struct board *b, int slot)
{
	_Atomic uint32_t *streak = &b->backends[slot].streak;
	if (unlikely(atomic_load_explicit(streak, memory_order_relaxed) != 0))
		atomic_store_explicit(streak, 0, memory_order_relaxed);
}

/* Sums over all workers since the slot was taken; both wrap around. */
void board_outliers(const struct board *b, int slot, uint32_t *requests, uint32_t *outliers);

#endif
