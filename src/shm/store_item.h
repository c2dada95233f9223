/*
 * Items of a store, as they lie in their cells. What reads is also for those who hold no lock: it
 * goes astray nowhere, whatever it meets, and the shard's version tells them whether to believe it.
 */
#ifndef NEAP_SHM_STORE_ITEM_H
#define NEAP_SHM_STORE_ITEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "shm/row_store.h"

/* The words of an item's payload, one after the other. */
struct store_walk {
	const struct store_shard *shard;
	struct store_cell *cell;
	_Atomic uint64_t *words;
	unsigned at, n; /* of this cell */
};

static inline size_t store_words(size_t bytes)
{
	return (bytes + 7) / 8;
}

/* The i-th word of a text, filled up with zeros. i: below store_words. */
static inline uint64_t store_text_word(struct str text, size_t i)
{
	uint64_t word = 0;
	size_t left = text.n - i * 8;
	if (likely(left >= 8))
		memcpy(&word, text.p + i * 8, 8);
	else
		memcpy(&word, text.p + i * 8, left);
	return word;
}

static inline bool store_is_head(const struct store_cell *cell)
{
	return atomic_load_explicit(&cell->kind, memory_order_relaxed) >= STORE_NUMBER;
}

static inline bool store_has_expired(const struct store_cell *cell, int64_t now_ms)
{
	int64_t expires_ms = atomic_load_explicit(&cell->expires_ms, memory_order_relaxed);
	return expires_ms != 0 && expires_ms <= now_ms;
}

/* How many cells that takes. */
uint64_t store_cells_of(size_t key_n, size_t value_n);

/* at: the number of a cell of the shard. */
void store_walk_begin(struct store_walk *w, const struct store_shard *s, uint32_t at);
/* The same from the first word of the value on. false: the item is no item. */
bool store_walk_value(struct store_walk *w, const struct store_shard *s, uint32_t at);
/* Where the next word is; NULL: the item is no item. */
_Atomic uint64_t *store_walk_next(struct store_walk *w);

/* The hash of an item's key, by the key of the store's hash. */
uint64_t store_item_hash(const struct store_shard *s, uint32_t at, const uint64_t key[2]);

/* The item of that key in its bucket, expired or not; 0: there is none. */
uint32_t store_item_find(const struct store_shard *s, uint64_t hash, struct str key);

/* The first word of its value; NULL: it has none. */
_Atomic uint64_t *store_item_value(const struct store_shard *s, uint32_t at);

/* Copies key (is_key) or value, `n` bytes filled up to whole words. false: the item is no item. */
bool store_item_read(const struct store_shard *s, uint32_t at, bool is_key, char *to, size_t n);

/* Writes what the cells that begin at AT have room for. */
void store_item_write(const struct store_shard *s, uint32_t at, struct str key, struct str value);

#endif
