#include "shm/board_queue.h"

#include "shm/board_serve.h"
#include "shm/board_worker.h"

enum {
	CLAIM_TURNS = 2000, /* looks at a contested claim: the others decide within nanoseconds */
	CALL_US = 10000,    /* a worker that does not come in this time is passed over */
};

/* How many requests of all workers are on the backend, and how many others want one more. */
static void look_at_slot(const struct board *b, unsigned worker, int slot, uint32_t *held,
			 uint32_t *wanted, bool *must_yield)
{
	uint32_t workers = board_workers(b);
	/* those of earlier generations: none, except after a reload */
	*held = atomic_load_explicit(&b->inflight[BOARD_EARLIER][slot], memory_order_relaxed);
	*wanted = 0;
	*must_yield = false;
	for (uint32_t i = 0; i < workers; i++) {
		/* In this order: a claim granted in between counts twice, never not at all. */
		uint32_t reserved = atomic_load(&b->cells[i][slot].reserved);
		*held += atomic_load(&b->inflight[i][slot]);
		if (i == worker)
			continue;
		*wanted += reserved;
		*must_yield = *must_yield || (reserved != 0 && i < worker);
	}
}

static void hold_slot(struct board *b, unsigned worker, int slot)
{
	board_inflight_add(b, worker, slot, 1);
	atomic_store_explicit(&b->cells[worker][slot].reserved, 0, memory_order_release);
}

/*
 * When several workers want the last one, each sees the others (all stores and loads of `reserved`
 * are in one order), so at most one finds it free; the lowest number goes first.
 */
bool board_slot_take(struct board *b, unsigned worker, int slot, uint32_t limit)
{
	_Atomic uint32_t *claim = &b->cells[worker][slot].reserved;
	board_worker_use(b, worker);
	bool is_claiming = true;
	atomic_store(claim, 1);
	for (int turn = 0; turn < CLAIM_TURNS; turn++) {
		uint32_t held, wanted;
		bool must_yield;
		look_at_slot(b, worker, slot, &held, &wanted, &must_yield);
		if (likely(is_claiming && held + wanted < limit)) {
			hold_slot(b, worker, slot);
			return true;
		}
		if (held >= limit)
			break;
		if (is_claiming == must_yield) {
			is_claiming = !must_yield;
			atomic_store(claim, is_claiming ? 1 : 0);
		}
	}
	atomic_store(claim, 0);
	return false;
}

/* A list that changes meanwhile makes this a look at some of its members: good enough. */
bool board_pool_has_room(const struct board *b, int pool)
{
	const struct board_pool *p = &b->pools[pool];
	unsigned half = atomic_load_explicit(&p->list_version, memory_order_acquire) & 1;
	uint32_t count = atomic_load_explicit(&p->count[half], memory_order_relaxed);
	int32_t slot = atomic_load_explicit(&p->first[half], memory_order_relaxed);
	struct board_serving serving = board_serving(b, pool);
	for (uint32_t i = 0; i < count && slot >= 0 && slot < BOARD_BACKENDS_MAX; i++) {
		if (board_may_serve(b, slot, &serving) && board_has_room(b, slot))
			return true;
		slot = atomic_load_explicit(&b->backends[slot].next[half], memory_order_relaxed);
	}
	return false;
}

void board_queue_set(struct board *b, unsigned worker, int pool, uint32_t waiting,
		     int64_t oldest_us)
{
	struct board_queue *row = &b->queues[worker][pool];
	uint64_t bit = (uint64_t)1 << worker;
	/* Nobody else changes it; row->waiting may be what a killed process left. */
	bool is_set = (board_queue_waiters(b, pool) & bit) != 0;
	board_worker_use(b, worker);
	atomic_store_explicit(&row->waiting, waiting, memory_order_relaxed);
	atomic_store_explicit(&row->oldest_us, oldest_us, memory_order_relaxed);
	if (waiting > 0 && !is_set)
		atomic_fetch_or(&b->pools[pool].waiters, bit);
	else if (waiting == 0 && is_set)
		atomic_fetch_and(&b->pools[pool].waiters, ~bit);
	/* A process that frees a slot from here on sees us; we see slots that were freed before. */
	atomic_thread_fence(memory_order_seq_cst);
}

static bool is_stuck(const struct board_queue *row, int64_t now_us)
{
	int64_t called = atomic_load_explicit(&row->called_us, memory_order_relaxed);
	return called != 0 && now_us - called > CALL_US;
}

int board_queue_eldest(const struct board *b, unsigned worker, int pool, int64_t after_us,
		       int64_t now_us)
{
	uint64_t left = board_queue_waiters(b, pool);
	int found = BOARD_NONE;
	int64_t since = INT64_MAX;
	for (unsigned i = 0; left != 0; i++, left >>= 1) {
		const struct board_queue *row = &b->queues[i][pool];
		int64_t oldest = atomic_load_explicit(&row->oldest_us, memory_order_relaxed);
		if ((left & 1) == 0 || oldest == 0 || oldest <= after_us || oldest >= since ||
		    (i != worker && is_stuck(row, now_us)))
			continue;
		found = (int)i;
		since = oldest;
	}
	return found;
}

bool board_queue_call(struct board *b, unsigned worker, int pool, int64_t now_us)
{
	int64_t not_called = 0;
	return atomic_compare_exchange_strong(&b->queues[worker][pool].called_us, &not_called,
					      now_us);
}

uint32_t board_queue_waiting(const struct board *b, int pool)
{
	uint64_t left = board_queue_waiters(b, pool);
	uint32_t sum = 0;
	for (unsigned i = 0; left != 0; i++, left >>= 1) {
		if ((left & 1) != 0)
			sum += atomic_load_explicit(&b->queues[i][pool].waiting,
						    memory_order_relaxed);
	}
	return sum;
}

static void add_queue(struct board_queue_sum *to, const struct board_queue *row)
{
	to->queued += stat_get(&row->queued);
	to->timed_out += stat_get(&row->timed_out);
	to->left += stat_get(&row->left);
	to->waited_us += stat_get(&row->waited_us);
	to->refused += stat_get(&row->refused);
}

void board_queue_totals(const struct board *b, int pool, struct board_queue_sum *to)
{
	uint32_t workers = board_workers(b);
	*to = (struct board_queue_sum){ .waiting = board_queue_waiting(b, pool) };
	add_queue(to, &b->queues[BOARD_EARLIER][pool]);
	for (uint32_t i = 0; i < workers; i++)
		add_queue(to, &b->queues[i][pool]);
}
