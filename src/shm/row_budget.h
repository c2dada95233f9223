/*
 * The row of a retry budget. Changed by board_budget.c.
 */
#ifndef NEAP_SHM_ROW_BUDGET_H
#define NEAP_SHM_ROW_BUDGET_H

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_BUDGET_STEPS = 10 };

/*
 * One worker's share of a pool's retry budget. A step of the window is one word: its number in the
 * high bits, its count in the low ones, so that a reader never sees a count under another number.
 */
struct board_budget {
	_Alignas(64) _Atomic uint64_t requests[BOARD_BUDGET_STEPS];
	_Atomic uint64_t retries[BOARD_BUDGET_STEPS];
	_Atomic uint64_t spent; /* all retries that were charged */
	_Atomic uint64_t refused;
};

#endif
