/*
 * Budgets: how many requests of a pool may be sent again, or hedged, over all workers.
 */
#ifndef NEAP_SHM_BOARD_BUDGET_H
#define NEAP_SHM_BOARD_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/row_budget.h"

struct board;

struct board_budget_sum {
	uint64_t spent, refused;
};

/* A pool's budget, and a worker's share of it. step: the current one of the window; it grows with time. */
struct board_purse {
	struct board *board;
	enum board_budget_kind kind;
	unsigned worker;
	int pool;
	uint64_t step;
};

/* So much may be charged in the window: `least` + ratio × requests, and `floor` in any case. */
struct board_budget_terms {
	double ratio, least, floor;
};

/* Counts a request. */
void board_budget_request(const struct board_purse *purse);

/*
 * May one more be charged? Charges it, or counts the refusal. Never more than the terms allow, whatever
 * other workers do at the same time; two of them may refuse each other the last one.
 */
bool board_budget_charge(const struct board_purse *purse, const struct board_budget_terms *terms);

/* Over all workers, with what earlier generations spent. */
void board_budget_totals(const struct board *b, enum board_budget_kind kind, int pool,
			 struct board_budget_sum *to);

#endif
