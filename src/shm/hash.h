/*
 * The hash by which names are found on the board: FNV-1a with a final mix. Never 0. Private to this
 * room.
 */
#ifndef NEAP_SHM_HASH_H
#define NEAP_SHM_HASH_H

#include <stdint.h>

#include "base/dice.h"
#include "base/fnv.h"
#include "base/str.h"

static inline uint64_t hash_name(uint64_t seed, struct str name)
{
	uint64_t h = fnv_add(fnv_start ^ (seed * 0x9e3779b97f4a7c15u), name.p, name.n);
	h = dice_spread(h);
	return h == 0 ? 1 : h;
}

#endif
