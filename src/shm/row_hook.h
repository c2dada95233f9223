/*
 * The row of one hook of one service, all workers together. Changed by board_hook.c.
 */
#ifndef NEAP_SHM_ROW_HOOK_H
#define NEAP_SHM_ROW_HOOK_H

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_HOOK_ERRORS = 5, BOARD_HOOK_WINDOW_MS = 10000, BOARD_HOOK_TRIPPED_MS = 30000 };

struct board_hook {
	_Atomic int64_t recent_ms[BOARD_HOOK_ERRORS - 1]; /* when the last errors were; 0: never */
	_Atomic uint32_t recent_next;
	_Atomic uint32_t is_trying; /* half open: one call was let through and is under way */
	_Atomic uint64_t errors, killed;
	_Atomic uint64_t calls; /* in the agent; others: struct board_service_cell */
	_Atomic uint64_t ns;	/* estimated, see script/cost.h */
	/* what a later generation took over of these */
	_Atomic uint64_t errors_taken, killed_taken, calls_taken, ns_taken;
	/* monotonic; 0: not tripped; at its end one try is let through (half open) */
	_Atomic int64_t tripped_until_ms;
};

#endif
