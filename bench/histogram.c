#include "histogram.h"

void histogram_add(struct histogram *h, int64_t ns)
{
	uint64_t v = ns > 0 ? (uint64_t)ns : 0;
	unsigned shift = 0;
	uint64_t i;

	while ((v >> shift) >= 128)
		shift++;
	i = shift * 64 + (v >> shift);
	h->buckets[i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1]++;
	h->n++;
}

static int64_t bucket_value(unsigned i)
{
	unsigned shift = i < 128 ? 0 : i / 64 - 1;

	return (int64_t)((uint64_t)(i - shift * 64) << shift);
}

int64_t histogram_quantile(const struct histogram *h, double part)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (h->n > 0 && (double)seen >= part * (double)h->n)
			return bucket_value(i);
	}
	return 0;
}
