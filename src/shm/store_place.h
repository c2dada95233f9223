/*
 * Where a key belongs, and what is done there under the shard's lock. What store_entry.h and
 * store_rate.h are made of.
 */
#ifndef NEAP_SHM_STORE_PLACE_H
#define NEAP_SHM_STORE_PLACE_H

#include <stdbool.h>

#include "shm/store.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
/* How a call ended. Texts: lua/neap/runtime/shared.lua. */
enum store_result {
	STORE_OK,
	STORE_EXISTS,
	STORE_NOT_FOUND,
	STORE_OTHER_KIND, /* what is there is no number (or no window, or no rate) */
	STORE_KEY_LONG,
	STORE_TOO_LARGE,
	STORE_FULL,
	STORE_BUSY,
	STORE_REACHED, /* so many are in there already */
};
/* cdef end */

struct store_place {
	const struct store *store;
	const struct store_shard *shard;
	struct str key;
	uint64_t hash;
	int64_t now_ms; /* 0: not asked for yet */
};

/* What an item is to be. */
struct store_want {
	enum store_kind kind;
	struct str value;
	int64_t expires_ms; /* 0: never */
};

/* STORE_KEY_LONG; else *p is the place of that key. */
enum store_result store_place_find(struct store_place *p, const struct store *s, struct str key);

/* The time, which is looked at once. */
int64_t store_place_now(struct store_place *p);

/* In s of that place: the item that is there and has not expired; 0: none. With the lock held. */
uint32_t store_place_item(struct store_place *p);

/* Makes the item what is wanted, whatever was there. With the lock held. */
enum store_result store_place_put(struct store_place *p, const struct store_want *want);

/* Changes one word of a value, for all to see at once. */
static inline void store_word_set(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static inline uint64_t store_word_get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

#endif
