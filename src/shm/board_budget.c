#include "shm/board_budget.h"

#include "shm/board.h"
#include "shm/board_worker.h"

enum { COUNT_BITS = 40 };

static const uint64_t stamp_mask = ((uint64_t)1 << (64 - COUNT_BITS)) - 1;

/* by: 1, or -1 of what was just counted. */
static void count_step(_Atomic uint64_t *steps, uint64_t step, int by)
{
	_Atomic uint64_t *cell = &steps[step % BOARD_BUDGET_STEPS];
	uint64_t stamp = (step & stamp_mask) << COUNT_BITS;
	uint64_t old = atomic_load_explicit(cell, memory_order_relaxed);
	uint64_t base = old >> COUNT_BITS == stamp >> COUNT_BITS ? old : stamp;
	atomic_store_explicit(cell, base + (uint64_t)by, memory_order_relaxed);
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

static struct board_budget *own_of(const struct board_purse *p)
{
	return &p->board->budgets[p->kind][p->worker][p->pool];
}

void board_budget_request(const struct board_purse *purse)
{
	count_step(own_of(purse)->requests, purse->step, 1);
}

static bool is_within(const struct board_purse *p, const struct board_budget_terms *terms)
{
	struct board_budget(*rows)[BOARD_POOLS_MAX] = p->board->budgets[p->kind];
	uint32_t workers = board_workers(p->board);
	uint64_t requests = 0, charges = 0;
	for (uint32_t i = 0; i < workers; i++) {
		requests += sum_window(rows[i][p->pool].requests, p->step);
		charges += sum_window(rows[i][p->pool].charges, p->step);
	}
	double most = terms->least + terms->ratio * (double)requests;
	return (double)charges <= (most > terms->floor ? most : terms->floor);
}

/* It is charged first and looked at then: of two workers one at least sees the other's charge. */
bool board_budget_charge(const struct board_purse *purse, const struct board_budget_terms *terms)
{
	struct board_budget *own = own_of(purse);
	count_step(own->charges, purse->step, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (is_within(purse, terms)) {
		stat_add(&own->spent, 1);
		return true;
	}
	count_step(own->charges, purse->step, -1);
	stat_add(&own->refused, 1);
	return false;
}

void board_budget_totals(const struct board *b, enum board_budget_kind kind, int pool,
			 struct board_budget_sum *to)
{
	uint32_t workers = board_workers(b);
	const struct board_budget *earlier = &b->budgets[kind][BOARD_EARLIER][pool];
	to->spent = stat_get(&earlier->spent);
	to->refused = stat_get(&earlier->refused);
	for (uint32_t i = 0; i < workers; i++) {
		const struct board_budget *row = &b->budgets[kind][i][pool];
		to->spent += stat_get(&row->spent);
		to->refused += stat_get(&row->refused);
	}
}
