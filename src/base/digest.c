#include "base/digest.h"

#include "base/dice.h"
#include "base/fnv.h"

double digest_pair(double a, double b)
{
	return (double)(dice_spread((uint64_t)a << 32 | (uint64_t)b) >> 32);
}

/* FNV-1a, spread. */
double digest_bytes(const char *bytes, size_t n, double seed)
{
	uint64_t h = fnv_add(fnv_start ^ dice_spread((uint64_t)(int64_t)seed), bytes, n);
	return (double)(dice_spread(h) >> 32);
}
