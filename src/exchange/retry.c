#include "exchange/retry.h"

#include <stdlib.h>

#include "exchange/call.h"
#include "shm/board.h"
#include "shm/board_pool.h"
#include "shm/board_serve.h"

/* May it be carried out twice? RFC 9110 §9.2.2, or the pool says so. */
static bool is_repeatable(const struct request *rq)
{
	return http_is_idempotent(rq->head.method_id) ||
	       (rq->pool != NULL && rq->pool->retry.unsafe);
}

bool retry_is_safe(const struct request *rq)
{
	bool is_declined = rq->holds_answer && call_is_retried(rq);
	return rq->can_repeat && (rq->is_untouched || is_declined || is_repeatable(rq));
}

bool retry_has_one_try(const struct request *rq, bool is_kept_whole)
{
	return !is_kept_whole || !is_repeatable(rq);
}

bool retry_attempt_is_left(const struct request *rq)
{
	uint32_t most = rq->pool != NULL ? rq->pool->retry.attempts : 0;
	return most == 0 || rq->view.attempt < most;
}

static bool was_tried(const struct request *rq, int slot)
{
	for (uint32_t i = 0; i < rq->view.tried_n; i++) {
		if (rq->tried[i] == slot)
			return true;
	}
	return false;
}

static int board_pool(const struct request *rq)
{
	return atomic_load_explicit(&rq->plane->board->backends[rq->view.slot].pool,
				    memory_order_relaxed);
}

bool retry_candidate_is_left(const struct request *rq)
{
	const struct board *b = rq->plane->board;
	int pool = board_pool(rq);
	int32_t slots[256];
	if (pool < 0)
		return false;
	struct board_serving serving = board_serving(b, pool);
	unsigned n = board_pool_members(b, pool, slots, countof(slots));
	for (unsigned i = 0; i < n && i < countof(slots); i++) {
		if (slots[i] != rq->view.slot && board_may_serve(b, slots[i], &serving) &&
		    board_has_room(b, slots[i]) && !was_tried(rq, slots[i]))
			return true;
	}
	return n > countof(slots);
}

bool retry_remember(struct request *rq, int slot)
{
	if (rq->view.tried_n == rq->tried_cap) {
		uint32_t cap = rq->tried_cap == 0 ? 8 : rq->tried_cap * 2;
		int32_t *more = realloc(rq->tried, cap * sizeof(*more));
		if (more == NULL)
			return false;
		rq->tried = more;
		rq->tried_cap = cap;
	}
	rq->tried[rq->view.tried_n++] = slot;
	rq->view.tried = rq->tried;
	return true;
}
