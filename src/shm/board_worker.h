/*
 * Which workers there are: sums go over the rows up to the highest one that was ever used.
 */
#ifndef NEAP_SHM_BOARD_WORKER_H
#define NEAP_SHM_BOARD_WORKER_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/cc.h"
#include "shm/board.h"

/* So many rows of workers are used, or were. */
static inline uint32_t board_workers(const struct board *b)
{
	uint32_t used = atomic_load_explicit(&b->workers_used, memory_order_acquire);
	return likely(used <= BOARD_WORKERS_MAX) ? used : BOARD_WORKERS_MAX;
}

/* Notes that this row is in use. */
void board_worker_note(struct board *b, unsigned worker);

/* The same before each use of a row: one load where it is known. */
static inline void board_worker_use(struct board *b, unsigned worker)
{
	if (unlikely(worker >= atomic_load_explicit(&b->workers_used, memory_order_relaxed)))
		board_worker_note(b, worker);
}

#endif
