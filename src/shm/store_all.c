#include "shm/store_all.h"

#include "base/clock.h"
#include "shm/store_cells.h"
#include "shm/store_item.h"
#include "shm/store_lock.h"
#include "shm/store_place.h"

enum { CELLS_AT_ONCE = 256 }; /* so long nobody else gets the lock */

static uint32_t get(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* Looks at some cells. The number of one with an item; 0: none of them has. */
static uint32_t look_further(const struct store_shard *h, uint32_t *cell, uint32_t end,
			     int64_t now_ms)
{
	for (int i = 0; i < CELLS_AT_ONCE && *cell < end; i++) {
		uint32_t at = ++*cell;
		if (store_is_head(&h->cells[at]) && !store_has_expired(&h->cells[at], now_ms))
			return at;
	}
	return 0;
}

static bool read_key(struct store *s, const struct store_shard *h, uint32_t at, struct str *key)
{
	size_t n = atomic_load_explicit(&h->cells[at].key_n, memory_order_relaxed);

	if (!store_make_text(s, n) || !store_item_read(h, at, true, s->text, n))
		return false;
	*key = (struct str){ s->text, n };
	return true;
}

bool store_next(struct store *s, struct store_cursor *c, struct str *key)
{
	int64_t now_ms = clock_now_ms();

	for (; c->shard < s->shards_n; c->shard++, c->cell = 0) {
		const struct store_shard *h = &s->shards[c->shard];
		while (c->cell < get(&h->row->fresh) && c->cell < h->cells_n) {
			if (!store_lock(s, h))
				break;
			uint32_t at = look_further(h, &c->cell, get(&h->row->fresh), now_ms);
			bool is_found = at != 0 && read_key(s, h, at, key);
			store_unlock(h);
			if (is_found)
				return true;
		}
	}
	return false;
}

void store_flush(const struct store *s)
{
	for (uint32_t i = 0; i < s->shards_n; i++) {
		const struct store_shard *h = &s->shards[i];
		if (!store_lock(s, h))
			continue;
		store_change_begin(h);
		uint32_t fresh = get(&h->row->fresh);
		for (uint32_t at = 1; at <= fresh; at++) {
			if (store_is_head(&h->cells[at]))
				store_cells_drop(s, h, at);
		}
		store_change_end(h);
		store_unlock(h);
	}
}

static void put_copy(const struct store *to, struct str key, const struct store_want *want)
{
	struct store_place p;

	if (store_place_find(&p, to, key) != STORE_OK || !store_lock(to, p.shard))
		return;
	(void)store_place_put(&p, want); /* what does not fit stays behind */
	store_unlock(p.shard);
}

/* Key and value next to each other in from->text. */
static void copy_item(const struct store *to, struct store *from, const struct store_shard *h,
		      uint32_t at)
{
	const struct store_cell *cell = &h->cells[at];
	size_t key_n = atomic_load_explicit(&cell->key_n, memory_order_relaxed);
	size_t value_n = atomic_load_explicit(&cell->value_n, memory_order_relaxed);
	size_t value_at = store_words(key_n) * 8;

	/* Who holds what is said in the other store's own words. */
	if (atomic_load_explicit(&cell->kind, memory_order_relaxed) == STORE_HELD)
		return;
	if (!store_make_text(from, value_at + value_n) ||
	    !store_item_read(h, at, true, from->text, key_n) ||
	    !store_item_read(h, at, false, from->text + value_at, value_n))
		return;
	const struct store_want want = {
		atomic_load_explicit(&cell->kind, memory_order_relaxed),
		{ from->text + value_at, value_n },
		atomic_load_explicit(&cell->expires_ms, memory_order_relaxed),
	};
	put_copy(to, (struct str){ from->text, key_n }, &want);
}

/* From the hand on, around to the hand: so the oldest come first. */
static void copy_shard(const struct store *to, struct store *from, const struct store_shard *h)
{
	uint32_t fresh = get(&h->row->fresh), hand = get(&h->row->hand);
	int64_t now_ms = clock_now_ms();

	for (uint32_t i = 0; i < fresh && fresh <= h->cells_n; i++) {
		if (!store_lock(from, h))
			return;
		uint32_t at = (hand + i) % fresh + 1;
		if (store_is_head(&h->cells[at]) && !store_has_expired(&h->cells[at], now_ms))
			copy_item(to, from, h, at);
		store_unlock(h);
	}
}

void store_copy(const struct store *to, struct store *from)
{
	for (uint32_t i = 0; i < from->shards_n; i++)
		copy_shard(to, from, &from->shards[i]);
}

static void add_reads(const struct store_tenant *row, struct store_stats *to)
{
	to->hits += atomic_load_explicit(&row->hits, memory_order_relaxed);
	to->misses += atomic_load_explicit(&row->misses, memory_order_relaxed);
}

void store_look(const struct store *s, struct store_stats *to)
{
	*to = (struct store_stats){ .bytes = s->bytes };
	uint64_t cells = 0, used = 0;

	for (uint32_t i = 0; i < s->shards_n; i++) {
		const struct store_row *row = s->shards[i].row;
		uint32_t fresh = get(&row->fresh), unused = get(&row->free_n);
		cells += s->shards[i].cells_n;
		used += fresh > unused ? fresh - unused : 0;
		to->entries += get(&row->entries);
		to->evicted += atomic_load_explicit(&row->evicted, memory_order_relaxed);
		to->expired += atomic_load_explicit(&row->expired, memory_order_relaxed);
	}
	for (uint32_t i = 0; i < STORE_TENANTS; i++)
		add_reads(&s->tenancy.rows[i], to);
	to->used = (uint64_t)((double)used / (double)cells * (double)s->bytes);
}
