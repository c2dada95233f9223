#include "shm/board_budget.h"

#include "shm/board.h"
#include "shm/board_worker.h"

enum { COUNT_BITS = 40 };

static const uint64_t stamp_mask = ((uint64_t)1 << (64 - COUNT_BITS)) - 1;

static void count_step(_Atomic uint64_t *steps, uint64_t step)
{
	_Atomic uint64_t *cell = &steps[step % BOARD_BUDGET_STEPS];
	uint64_t stamp = (step & stamp_mask) << COUNT_BITS;
	uint64_t old = atomic_load_explicit(cell, memory_order_relaxed);
	uint64_t now = old >> COUNT_BITS == stamp >> COUNT_BITS ? old + 1 : stamp + 1;
	atomic_store_explicit(cell, now, memory_order_relaxed);
}

/* Those of the steps that are no older than the window. */
static uint64_t sum_window(const _Atomic uint64_t *steps, uint64_t step)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < BOARD_BUDGET_STEPS; i++) {
		uint64_t word = atomic_load_explicit(&steps[i], memory_order_relaxed);
		if (((step - (word >> COUNT_BITS)) & stamp_mask) < BOARD_BUDGET_STEPS)
			sum += word & (((uint64_t)1 << COUNT_BITS) - 1);
	}
	return sum;
}

void board_budget_request(struct board *b, unsigned worker, int pool, uint64_t step)
{
	count_step(b->budgets[worker][pool].requests, step);
}

bool board_budget_retry(struct board *b, unsigned worker, int pool, uint64_t step, double ratio,
			double least)
{
	struct board_budget *own = &b->budgets[worker][pool];
	uint32_t workers = board_workers(b);
	uint64_t requests = 0, retries = 0;
	for (uint32_t i = 0; i < workers; i++) {
		requests += sum_window(b->budgets[i][pool].requests, step);
		retries += sum_window(b->budgets[i][pool].retries, step);
	}
	if ((double)retries + 1 > least + ratio * (double)requests) {
		stat_add(&own->refused, 1);
		return false;
	}
	count_step(own->retries, step);
	stat_add(&own->spent, 1);
	return true;
}

void board_budget_totals(const struct board *b, int pool, struct board_budget_sum *to)
{
	uint32_t workers = board_workers(b);
	const struct board_budget *earlier = &b->budgets[BOARD_EARLIER][pool];
	to->spent = stat_get(&earlier->spent);
	to->refused = stat_get(&earlier->refused);
	for (uint32_t i = 0; i < workers; i++) {
		const struct board_budget *row = &b->budgets[i][pool];
		to->spent += stat_get(&row->spent);
		to->refused += stat_get(&row->refused);
	}
}
