/*
 * How many of each thing the board has room for.
 */
#ifndef NEAP_SHM_BOARD_SIZE_H
#define NEAP_SHM_BOARD_SIZE_H

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum {
	BOARD_WORKERS_MAX = 64,
	BOARD_EARLIER = BOARD_WORKERS_MAX, /* the row of what other generations count */
	BOARD_TAKEN,			   /* the row of what a later generation took over */
	BOARD_ROWS,
	BOARD_POOLS_MAX = 256,
	BOARD_BACKENDS_MAX = 16384,
	BOARD_COUNTERS_MAX = 1024,
	BOARD_SERVICES_MAX = 256,
	BOARD_HOOKS = 32,
	/* Longer by some cache lines, so that rows do not compete for the same ones. */
	BOARD_INFLIGHT_ROW = BOARD_BACKENDS_MAX + 80,
	BOARD_INDEX = 2 * BOARD_BACKENDS_MAX, /* power of two */
};
/* cdef end */

/* No pool, no slot, no row. */
enum { BOARD_NONE = -1 };

#endif
