/*
 * The contract between C and Lua (abi.h): what happened lately, as the agent keeps it
 * (lua/neap/agent/history.lua). In the agent only.
 */
#ifndef NEAP_SCRIPT_ABI_HISTORY_H
#define NEAP_SCRIPT_ABI_HISTORY_H

#include <stdint.h>

#include "script/abi_stats.h"

/* cdef begin */

/* What was counted in all when the last sample was taken. */
typedef struct neap_history_track {
	double at;	/* its number: Unix time by the length of a step; 0: there is none yet */
	double from;	/* the number of the first sample that there is */
	double peak;	/* the most in flight since then */
	double sums[8]; /* by the first names of history.fields */
	double bucket[42];
} neap_history_track;

/* The samples are in rings: number N is in place N % length. NaN: nobody looked. */
typedef struct neap_history_row {
	char key[256]; /* zero terminated; "": free */
	double seen;   /* Unix time: when it was last written to */
	neap_history_track seconds, minutes;
	float second[600][11];
	float minute[1440][11]; /* not in the row of a backend */
} neap_history_row;

/* is_short 1: rows of backends. */
uint32_t neap_history_used(uint32_t is_short);
neap_history_row *neap_history_row_at(uint32_t is_short, uint32_t i); /* NULL: there is none */
neap_history_row *neap_history_add(uint32_t is_short);		      /* NULL: all are in use */

/* All these backends together; no latency, nothing pinned. */
void neap_count_backends(const int32_t *slots, uint32_t n, neap_backend_counts *to);

/* cdef end */

#endif
