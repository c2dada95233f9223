/*
 * What the board knows of requests that wait for a free slot, and of retry budgets; part of
 * board.h, which includes it.
 *
 * Slots are taken exactly: a worker announces that it wants one (`reserved` in its cell), looks at
 * what all hold and want, and then either has it or withdraws. No lock, and what a worker held is
 * gone when its row is cleared.
 *
 * A waiting request is one worker's. The board says which workers have some of a pool (one word, so
 * that whoever frees a slot sees with one load that nobody waits) and since when the first one of
 * each waits: the worker with the eldest is called.
 */
#ifndef NEAP_SHM_BOARD_QUEUE_H
#define NEAP_SHM_BOARD_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct board;

/* One worker's waiting requests of one pool; written by it, `called_us` by others too. */
struct board_queue {
	_Alignas(64) _Atomic uint32_t waiting; /* now */
	_Atomic int64_t oldest_us;	       /* since when its first one waits; 0: none does */
	_Atomic int64_t called_us;  /* when it was called and has not looked yet; 0: not */
	_Atomic uint64_t queued;    /* all that ever waited */
	_Atomic uint64_t timed_out; /* of these: until queue.timeout */
	_Atomic uint64_t left; /* of these: the client left, the deadline was over, none was up */
	_Atomic uint64_t waited_us;
	_Atomic uint64_t refused; /* not let in: queue.length */
};

struct board_queue_sum {
	uint64_t waiting, queued, timed_out, left, waited_us, refused;
};

enum { BOARD_BUDGET_STEPS = 10 };

/*
 * One worker's share of a pool's retry budget. A step of the window is one word: its number above,
 * how many below, so that readers never see one step's count under another one's number.
 */
struct board_budget {
	_Alignas(64) _Atomic uint64_t requests[BOARD_BUDGET_STEPS];
	_Atomic uint64_t retries[BOARD_BUDGET_STEPS];
	_Atomic uint64_t spent; /* all retries that were charged */
	_Atomic uint64_t refused;
};

struct board_budget_sum {
	uint64_t spent, refused;
};

/*
 * One more in flight for this worker, unless as many as limit are over all workers. Exact: no two
 * workers get the last one. false also when another worker held the decision up for too long.
 */
bool board_slot_take(struct board *b, unsigned worker, int slot, uint32_t limit);

/* Does any member that is up have a free slot? A look, nothing is taken. */
bool board_pool_has_room(const struct board *b, int pool);

/* Of this worker and pool so many wait now, the first one since then (0: none is to be asked). */
void board_queue_set(struct board *b, unsigned worker, int pool, uint32_t waiting,
		     int64_t oldest_us);

/*
 * The worker whose first one waits longest, of those that wait since later than after_us; `worker`
 * is who asks. Others that were called and do not come are passed over. BOARD_NONE: there is none.
 */
int board_queue_eldest(const struct board *b, unsigned worker, int pool, int64_t after_us,
		       int64_t now_us);

/* true: that worker must be woken (false: it was called already). */
bool board_queue_call(struct board *b, unsigned worker, int pool, int64_t now_us);

/* Waiting now, over all workers. */
uint32_t board_queue_waiting(const struct board *b, int pool);
void board_queue_totals(const struct board *b, int pool, struct board_queue_sum *to);

/* step: the number of the current step, growing with time. */
void board_budget_request(struct board *b, unsigned worker, int pool, uint64_t step);
/*
 * May one more be sent again, when in the window at most `least` + ratio × requests may? Charges
 * it, or counts the refusal.
 */
bool board_budget_retry(struct board *b, unsigned worker, int pool, uint64_t step, double ratio,
			double least);
void board_budget_totals(const struct board *b, int pool, struct board_budget_sum *to);

#endif
