/*
 * Free slots of backends, and the requests that wait for one.
 *
 * Slots are counted exactly: a worker announces that it wants one (`reserved` in its cell), looks
 * at what all workers have and want, and then takes it or withdraws. There is no lock, and a
 * worker's slots are free again when its row is cleared.
 *
 * A waiting request belongs to one worker. The board says which workers have waiting requests for a
 * pool (one word: a process that frees a slot sees with one load that nobody waits) and since when
 * the first one of each waits: the worker with the oldest is called.
 */
#ifndef NEAP_SHM_BOARD_QUEUE_H
#define NEAP_SHM_BOARD_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/board.h"

struct board_queue_sum {
	uint64_t waiting, queued, timed_out, left, waited_us, refused;
};

/*
 * One more in flight for this worker, unless all workers together have `limit`. Exact: no two
 * workers get the last one. false also when another worker delayed the decision for too long.
 */
bool board_slot_take(struct board *b, unsigned worker, int slot, uint32_t limit);

/* Does any member that is up have a free slot? A look, nothing is taken. */
bool board_pool_has_room(const struct board *b, int pool);

/* Which workers have requests that wait for this pool: bit w. */
static inline uint64_t board_queue_waiters(const struct board *b, int pool)
{
	return atomic_load_explicit(&b->pools[pool].waiters, memory_order_relaxed);
}

/* So many requests of this worker wait now, the first one since oldest_us (0: call none). */
void board_queue_set(struct board *b, unsigned worker, int pool, uint32_t waiting,
		     int64_t oldest_us);

/*
 * The worker whose first request waits longest, among those that wait since after after_us;
 * `worker` asks. Others that were called and do not come are passed over. BOARD_NONE: there is
 * none.
 */
int board_queue_eldest(const struct board *b, unsigned worker, int pool, int64_t after_us,
		       int64_t now_us);

/* true: that worker must be woken (false: it was called already). */
bool board_queue_call(struct board *b, unsigned worker, int pool, int64_t now_us);

/* Waiting now, over all workers. */
uint32_t board_queue_waiting(const struct board *b, int pool);

/* All counts, over all workers, with what earlier generations counted. */
void board_queue_totals(const struct board *b, int pool, struct board_queue_sum *to);

#endif
