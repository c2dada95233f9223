/*
 * The row of a counter of policies. It is known by the hash of its whole name, which one
 * compare-and-swap puts there: nothing is ever half made. Changed by board_counter.c.
 */
#ifndef NEAP_SHM_ROW_COUNTER_H
#define NEAP_SHM_ROW_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_COUNTER_NAME_WORDS = 15 };

struct board_counter {
	_Atomic uint64_t key; /* 0: free */
	_Atomic uint32_t is_named;
	_Atomic uint64_t name[BOARD_COUNTER_NAME_WORDS]; /* text, cut if need be; for metrics */
	_Alignas(64) _Atomic uint64_t value;
	_Atomic uint64_t taken; /* what a later generation took over of it */
};

#endif
