#include "exchange/budget.h"

#include "exchange/retry.h"
#include "shm/board.h"
#include "shm/board_budget.h"

enum { HEDGE_WINDOW_MS = 10000 };

static struct board_purse purse_of(const struct request *rq, enum board_budget_kind kind)
{
	const struct board *b = rq->plane->board;
	uint32_t window_ms = kind == BUDGET_OF_HEDGES ? HEDGE_WINDOW_MS : rq->pool->budget.ttl;
	uint32_t step_ms = window_ms / BOARD_BUDGET_STEPS;
	return (struct board_purse){
		.board = rq->plane->board,
		.kind = kind,
		.worker = rq->plane->worker,
		.pool = atomic_load_explicit(&b->backends[rq->view.slot].pool,
					     memory_order_relaxed),
		.step = (uint64_t)loop_now_ms(rq->plane->loop) / (step_ms > 0 ? step_ms : 1),
	};
}

static void count(const struct request *rq, enum board_budget_kind kind)
{
	struct board_purse purse = purse_of(rq, kind);
	if (purse.pool >= 0)
		board_budget_request(&purse);
}

void budget_count_request(const struct request *rq)
{
	if (rq->view.attempt != 1)
		return;
	if (unlikely(rq->pool->budget.ttl != 0))
		count(rq, BUDGET_OF_RETRIES);
	if (unlikely(rq->pool->hedge.after != 0) && rq->role == REQUEST_OWN)
		count(rq, BUDGET_OF_HEDGES);
}

bool budget_affords_retry(const struct request *rq)
{
	const struct conf_pool *conf = rq->pool;
	if (likely(conf->budget.ttl == 0) || rq->is_untouched || !retry_candidate_is_left(rq))
		return true;
	struct board_purse purse = purse_of(rq, BUDGET_OF_RETRIES);
	struct board_budget_terms terms = { .ratio = conf->budget.ratio,
					    .least = conf->budget.min_per_second *
						     conf->budget.ttl / 1000 };
	return purse.pool < 0 || board_budget_charge(&purse, &terms);
}

bool budget_affords_hedge(const struct request *rq)
{
	struct board_purse purse = purse_of(rq, BUDGET_OF_HEDGES);
	double share = rq->pool->hedge.share;
	struct board_budget_terms terms = { .ratio = share, .floor = share > 0 ? 1 : 0 };
	return purse.pool >= 0 && board_budget_charge(&purse, &terms);
}
