/*
 * The row of a budget: how many requests of a pool are sent again, or hedged. Changed by board_budget.c.
 */
#ifndef NEAP_SHM_ROW_BUDGET_H
#define NEAP_SHM_ROW_BUDGET_H

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_BUDGET_STEPS = 10 };

enum board_budget_kind { BUDGET_OF_RETRIES, BUDGET_OF_HEDGES, BOARD_BUDGET_KINDS };

/*
 * One worker's share of a pool's budget. A step of the window is one word: its number in the
 * high bits, its count in the low ones, so that a reader never sees a count under another number.
 */
struct board_budget {
	_Alignas(64) _Atomic uint64_t requests[BOARD_BUDGET_STEPS];
	_Atomic uint64_t charges[BOARD_BUDGET_STEPS];
	_Atomic uint64_t spent; /* all charges */
	_Atomic uint64_t refused;
};

#endif
