/*
 * Latencies in buckets that are at most 1/64 wide: nanoseconds, up to a minute and more.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 64 * 48 };

struct histogram {
	uint64_t n;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, int64_t ns);

/* The value that `part` (0 to 1) of all do not exceed; 0 when it is empty. */
int64_t histogram_quantile(const struct histogram *h, double part);

#endif
