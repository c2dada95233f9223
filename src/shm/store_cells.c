#include "shm/store_cells.h"

#include "shm/store_item.h"
#include "shm/store_tenant.h"

enum {
	/* So far the hand goes over items that were looked at, before it takes one of them. */
	LOOKS_MAX = 1024,
	SWEEP = 2, /* cells that the broom looks at for each new item */
};

static uint32_t get(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void set(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static void count(_Atomic uint64_t *cell)
{
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

void store_cells_free(const struct store_shard *h, uint32_t at, uint64_t n)
{
	struct store_row *row = h->row;

	for (uint64_t i = 0; i < n && at != 0 && at <= h->cells_n; i++) {
		struct store_cell *cell = &h->cells[at];
		uint32_t next = get(&cell->next);
		atomic_store_explicit(&cell->kind, STORE_NOTHING, memory_order_relaxed);
		set(&cell->next, get(&row->free));
		set(&row->free, at);
		set(&row->free_n, get(&row->free_n) + 1);
		at = next;
	}
}

/* From the bucket's word, along the chain, to the word that names AT. */
static void unlink_item(const struct store_shard *h, uint32_t at, uint64_t hash)
{
	_Atomic uint32_t *word = &h->buckets[hash & h->mask];

	while (get(word) != at && get(word) != 0 && get(word) <= h->cells_n)
		word = &h->cells[get(word)].chain;
	if (get(word) == at)
		set(word, get(&h->cells[at].chain));
}

void store_cells_link(const struct store_shard *h, uint32_t at, uint64_t hash)
{
	_Atomic uint32_t *bucket = &h->buckets[hash & h->mask];

	set(&h->cells[at].chain, get(bucket));
	set(bucket, at);
	set(&h->row->entries, get(&h->row->entries) + 1);
}

void store_cells_drop(const struct store *s, const struct store_shard *h, uint32_t at)
{
	struct store_cell *cell = &h->cells[at];
	uint64_t n = store_cells_of(atomic_load_explicit(&cell->key_n, memory_order_relaxed),
				    get(&cell->value_n));

	/* From here on it is gone, whatever happens. */
	atomic_store_explicit(&cell->kind, STORE_NOTHING, memory_order_release);
	unlink_item(h, at, store_item_hash(h, at, s->key));
	set(&h->row->entries, get(&h->row->entries) - 1);
	store_cells_free(h, at, n);
}

void store_cells_expire(const struct store *s, const struct store_shard *h, uint32_t at)
{
	store_cells_drop(s, h, at);
	count(&h->row->expired);
}

static uint32_t step(const struct store_row *row, _Atomic uint32_t *at)
{
	uint32_t next = get(at) + 1;

	if (next > get(&row->fresh))
		next = 1;
	set(at, next);
	return next;
}

/* Drops one item. There are some when more than half of the cells is in use. */
static bool make_room(const struct store *s, const struct store_shard *h, int64_t now_ms)
{
	struct store_row *row = h->row;
	unsigned looks = 0;

	for (uint64_t i = 0; i < 2 * (uint64_t)h->cells_n; i++) {
		uint32_t at = step(row, &row->hand);
		struct store_cell *cell = &h->cells[at];
		if (!store_is_head(cell) || store_tenants_hold(&s->tenancy, h, at))
			continue;
		if (store_has_expired(cell, now_ms)) {
			store_cells_expire(s, h, at);
			return true;
		}
		if (atomic_load_explicit(&cell->used, memory_order_relaxed) == 0 ||
		    looks++ >= LOOKS_MAX) {
			store_cells_drop(s, h, at);
			count(&row->evicted);
			return true;
		}
		atomic_store_explicit(&cell->used, 0, memory_order_relaxed);
	}
	return false;
}

/* So what has expired goes, even if nobody asks for it and there is room. */
static void sweep(const struct store *s, const struct store_shard *h, int64_t now_ms)
{
	struct store_row *row = h->row;

	for (int i = 0; i < SWEEP && get(&row->fresh) > 0; i++) {
		uint32_t at = step(row, &row->broom);
		if (store_is_head(&h->cells[at]) && store_has_expired(&h->cells[at], now_ms))
			store_cells_expire(s, h, at);
	}
}

static uint32_t take_cell(const struct store_shard *h)
{
	struct store_row *row = h->row;
	uint32_t at = get(&row->free);

	if (at != 0) {
		set(&row->free, get(&h->cells[at].next));
		set(&row->free_n, get(&row->free_n) - 1);
		return at;
	}
	at = get(&row->fresh) + 1;
	set(&row->fresh, at);
	return at;
}

/*
 * A new item in a cell that the hand reaches soon would go before others that are as old: it counts
 * as looked at.
 */
static void set_used(const struct store_shard *h, uint32_t at)
{
	uint32_t hand = get(&h->row->hand);
	uint32_t ahead = at > hand ? at - hand : at + h->cells_n - hand;
	uint8_t is_used = hand != 0 && ahead < h->cells_n / 2;

	atomic_store_explicit(&h->cells[at].used, is_used, memory_order_relaxed);
}

uint32_t store_cells_take(const struct store *s, const struct store_shard *h, uint32_t n,
			  int64_t now_ms)
{
	struct store_row *row = h->row;
	uint32_t first = 0;

	sweep(s, h, now_ms);
	while (get(&row->free_n) + (h->cells_n - get(&row->fresh)) < n) {
		if (!make_room(s, h, now_ms))
			return 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = take_cell(h);
		set(&h->cells[at].next, first);
		if (i + 1 < n)
			atomic_store_explicit(&h->cells[at].kind, STORE_PART, memory_order_relaxed);
		first = at;
	}
	set_used(h, first);
	return first;
}
