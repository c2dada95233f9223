/*
 * Retry budgets: how many requests of a pool may be sent again, over all workers.
 */
#ifndef NEAP_SHM_BOARD_BUDGET_H
#define NEAP_SHM_BOARD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct board;

struct board_budget_sum {
	uint64_t spent, refused;
};

/* Counts a request. step: the number of the current step of the window, which grows with time. */
void board_budget_request(struct board *b, unsigned worker, int pool, uint64_t step);

/*
 * May one more be sent again, when in the window at most `least` + ratio × requests may? Charges
 * it, or counts the refusal.
 */
bool board_budget_retry(struct board *b, unsigned worker, int pool, uint64_t step, double ratio,
			double least);

/* Over all workers, with what earlier generations spent. */
void board_budget_totals(const struct board *b, int pool, struct board_budget_sum *to);

#endif
