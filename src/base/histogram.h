/*
 * The buckets of a histogram of durations: two per octave from 128 µs to 134 s, so that the bucket
 * of a value is found without a search. Pure arithmetic: the cells are the caller's.
 */
#ifndef NEAP_BASE_HISTOGRAM_H
#define NEAP_BASE_HISTOGRAM_H

#include <stdint.h>

#include "base/cc.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum {
	HISTOGRAM_FIRST_BIT = 7, /* below 1 << 7 µs: the first bucket */
	HISTOGRAM_BUCKETS = 42,	 /* the last one has no upper bound */
};
/* cdef end */

/* Bucket 0: below 128; then [2^k, 1.5 · 2^k) and [1.5 · 2^k, 2^(k+1)), from k = 7 on. */
static inline unsigned histogram_bucket(uint64_t us)
{
	if (us >> HISTOGRAM_FIRST_BIT == 0)
		return 0;
	unsigned k = 63 - (unsigned)__builtin_clzll(us);
	unsigned at = (k - HISTOGRAM_FIRST_BIT) * 2 + (unsigned)(us >> (k - 1) & 1) + 1;
	return at < HISTOGRAM_BUCKETS ? at : HISTOGRAM_BUCKETS - 1;
}

/* Values of that bucket are below this; the last one's is 0: no bound. */
static inline uint64_t histogram_bound_us(unsigned bucket)
{
	if (bucket + 1 >= HISTOGRAM_BUCKETS)
		return 0;
	uint64_t octave = (uint64_t)1 << (HISTOGRAM_FIRST_BIT + bucket / 2);
	return bucket % 2 == 0 ? octave : octave + octave / 2;
}

#endif
