#include "proxy/retry.h"

#include <stdlib.h>

bool retry_nothing_taken(const struct exchange *ex)
{
	const struct attempt *at = &ex->at;
	if (at->sent == 0)
		return true;
	/*
	 * All of it still in our kernel, never acknowledged: the peer's application cannot have
	 * read any.
	 */
	int unsent = at->uconn != NULL ? sock_unsent(at->uconn->stream.fd) : -1;
	return unsent >= 0 && (uint64_t)unsent == at->sent;
}

bool retry_is_safe(const struct exchange *ex)
{
	if (ex->responded || ex->interims > 0 || !ex->body_whole)
		return false;
	const struct conf_pool *pool = ex->at.pool;
	return http_is_idempotent(ex->req.method_id) || (pool != NULL && pool->retry.unsafe) ||
	       retry_nothing_taken(ex);
}

bool retry_attempt_is_left(const struct exchange *ex)
{
	uint32_t most = ex->at.pool != NULL ? ex->at.pool->retry.attempts : 0;
	return most == 0 || ex->view.attempt < most;
}

static bool was_tried(const struct exchange *ex, int slot)
{
	for (uint32_t i = 0; i < ex->view.tried_n; i++) {
		if (ex->tried[i] == slot)
			return true;
	}
	return false;
}

/* In a panic also what is dead. */
static bool may_serve(const struct board *b, int slot, bool panics)
{
	const struct board_backend *backend = &b->backends[slot];
	enum board_state s = board_state(b, slot);
	uint32_t slots = atomic_load_explicit(&backend->slots, memory_order_relaxed);
	return (s == STATE_UP || s == STATE_UNKNOWN || (panics && s != STATE_DRAIN)) &&
	       atomic_load_explicit(&backend->weight, memory_order_relaxed) > 0 &&
	       (slots == 0 || board_inflight(b, slot) < slots);
}

static int board_pool(const struct exchange *ex)
{
	return atomic_load_explicit(&ex->proxy->board->backends[ex->view.slot].pool,
				    memory_order_relaxed);
}

bool retry_candidate_is_left(const struct exchange *ex)
{
	const struct board *b = ex->proxy->board;
	int pool = board_pool(ex);
	int32_t slots[256];
	if (pool < 0)
		return false;
	bool panics = atomic_load_explicit(&b->pools[pool].panics, memory_order_relaxed) != 0;
	unsigned n = board_pool_members(b, pool, slots, countof(slots));
	for (unsigned i = 0; i < n && i < countof(slots); i++) {
		if (slots[i] != ex->view.slot && may_serve(b, slots[i], panics) &&
		    !was_tried(ex, slots[i]))
			return true;
	}
	return n > countof(slots);
}

/* The number of the budget's step that is now. */
static uint64_t budget_step(const struct exchange *ex)
{
	uint32_t step_ms = ex->at.pool->budget.ttl / BOARD_BUDGET_STEPS;
	return (uint64_t)loop_now_ms(ex->proxy->loop) / (step_ms > 0 ? step_ms : 1);
}

void retry_count_request(const struct exchange *ex)
{
	if (likely(ex->at.pool->budget.ttl == 0) || ex->view.attempt != 1)
		return;
	int pool = board_pool(ex);
	if (pool >= 0)
		board_budget_request(ex->proxy->board, ex->proxy->worker, pool, budget_step(ex));
}

bool retry_is_affordable(const struct exchange *ex)
{
	const struct conf_pool *conf = ex->at.pool;
	if (likely(conf->budget.ttl == 0) || ex->at.sent == 0 || !retry_candidate_is_left(ex))
		return true;
	int pool = board_pool(ex);
	double least = conf->budget.min_per_second * conf->budget.ttl / 1000;
	return pool < 0 || board_budget_retry(ex->proxy->board, ex->proxy->worker, pool,
					      budget_step(ex), conf->budget.ratio, least);
}

bool retry_remember(struct exchange *ex, int slot)
{
	if (ex->view.tried_n == ex->tried_cap) {
		uint32_t cap = ex->tried_cap == 0 ? 8 : ex->tried_cap * 2;
		int32_t *more = realloc(ex->tried, cap * sizeof(*more));
		if (more == NULL)
			return false;
		ex->tried = more;
		ex->tried_cap = cap;
	}
	ex->tried[ex->view.tried_n++] = slot;
	ex->view.tried = ex->tried;
	return true;
}
