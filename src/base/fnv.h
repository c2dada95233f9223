/*
 * FNV-1a, 64 bits: for digests and tables, where nobody gains by a collision. Its lowest bits are
 * weak: dice_spread mixes them before a part of it is used.
 */
#ifndef NEAP_BASE_FNV_H
#define NEAP_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

static const uint64_t fnv_start = 0xcbf29ce484222325u;

static inline uint64_t fnv_add(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

#endif
