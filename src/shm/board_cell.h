/*
 * What each worker counts about a backend: in flight, requests, failures. A worker changes its own
 * row only; the master clears it when that process is gone (board_clear.h).
 */
#ifndef NEAP_SHM_BOARD_CELL_H
#define NEAP_SHM_BOARD_CELL_H

#include <stdatomic.h>
#include <stdint.h>

#include "shm/board.h"
#include "shm/board_worker.h"

/* So many more (or fewer) are in flight on that backend for this worker. */
static inline void board_inflight_add(struct board *b, unsigned worker, int slot, int by)
{
	_Atomic uint32_t *cell = &b->inflight[worker][slot];
	board_worker_use(b, worker);
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + (uint32_t)by,
			      memory_order_relaxed);
}

/* Over all workers, with what earlier generations still have under way. */
uint32_t board_inflight(const struct board *b, int slot);

/* Of HTTP/2, now: connections that stand, and open streams. A worker adds to its own cell. */
void board_h2_totals(const struct board *b, int slot, uint32_t *connections, uint32_t *streams);
void board_h2_clear(struct board_cell *cell);

static inline void board_h2_add(_Atomic uint32_t *gauge, int by)
{
	uint32_t n = atomic_load_explicit(gauge, memory_order_relaxed);
	atomic_store_explicit(gauge, n + (uint32_t)by, memory_order_relaxed);
}

/* Over all workers, with what earlier generations counted. */
void board_totals(const struct board *b, int slot, uint64_t *requests, uint64_t *failures);
void board_answers(const struct board *b, int slot, uint64_t to[BOARD_ANSWERS]);

/* The first byte of an answer came so long after the connection; a tunnel's status is 200. */
static inline void board_answer(struct board *b, unsigned worker, int slot, unsigned status,
				int64_t us)
{
	unsigned at = status / 100 - 2;
	if (likely(at < BOARD_ANSWERS))
		stat_add(&b->cells[worker][slot].answers[at], 1);
	stat_time(&b->latency[worker][slot], us);
}

#endif
