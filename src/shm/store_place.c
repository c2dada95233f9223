#include "shm/store_place.h"

#include "base/clock.h"
#include "shm/store_cells.h"
#include "shm/store_hash.h"
#include "shm/store_item.h"
#include "shm/store_lock.h"
#include "shm/store_undo.h"

enum store_result store_place_find(struct store_place *p, const struct store *s, struct str key)
{
	struct store_hash h;

	if (key.n > STORE_KEY_MAX)
		return STORE_KEY_LONG;
	store_hash_begin(&h, s->key);
	for (size_t i = 0; i < store_words(key.n); i++)
		store_hash_add(&h, store_text_word(key, i));
	p->store = s;
	p->key = key;
	p->now_ms = 0;
	p->hash = store_hash_end(&h, key.n);
	p->shard = &s->shards[(p->hash >> 32) & (s->shards_n - 1)];
	return STORE_OK;
}

int64_t store_place_now(struct store_place *p)
{
	if (p->now_ms == 0)
		p->now_ms = clock_now_ms();
	return p->now_ms;
}

uint32_t store_place_item(struct store_place *p)
{
	uint32_t at = store_item_find(p->shard, p->hash, p->key);

	if (at == 0)
		return 0;
	const struct store_cell *cell = &p->shard->cells[at];
	if (atomic_load_explicit(&cell->expires_ms, memory_order_relaxed) != 0 &&
	    store_has_expired(cell, store_place_now(p)))
		return 0;
	return at;
}

static size_t cells_at(const struct store_place *p, uint32_t at)
{
	const struct store_cell *cell = &p->shard->cells[at];
	return store_cells_of(p->key.n, atomic_load_explicit(&cell->value_n, memory_order_relaxed));
}

/* All but its kind. */
static void fill(const struct store_place *p, uint32_t at, const struct store_want *want)
{
	struct store_cell *cell = &p->shard->cells[at];

	atomic_store_explicit(&cell->key_n, (uint16_t)p->key.n, memory_order_relaxed);
	atomic_store_explicit(&cell->value_n, (uint32_t)want->value.n, memory_order_relaxed);
	atomic_store_explicit(&cell->expires_ms, want->expires_ms, memory_order_relaxed);
	store_item_write(p->shard, at, p->key, want->value);
}

static void set_kind(struct store_cell *cell, enum store_kind kind)
{
	atomic_store_explicit(&cell->kind, (uint8_t)kind, memory_order_release);
}

static void overwrite(const struct store_place *p, uint32_t at, const struct store_want *want)
{
	store_change_begin(p->shard);
	store_undo_begin(p->shard, at);
	fill(p, at, want);
	set_kind(&p->shard->cells[at], want->kind);
	store_undo_end(p->shard);
	store_change_end(p->shard);
	atomic_store_explicit(&p->shard->cells[at].used, 1, memory_order_relaxed);
}

/* A number for a number that lasts as long. */
static bool overwrite_word(const struct store_place *p, uint32_t at, const struct store_want *want)
{
	struct store_cell *cell = &p->shard->cells[at];
	_Atomic uint64_t *word;

	if (want->kind != STORE_NUMBER ||
	    atomic_load_explicit(&cell->kind, memory_order_relaxed) != STORE_NUMBER ||
	    atomic_load_explicit(&cell->expires_ms, memory_order_relaxed) != want->expires_ms ||
	    (word = store_item_value(p->shard, at)) == NULL)
		return false;
	store_word_set(word, store_text_word(want->value, 0));
	atomic_store_explicit(&cell->used, 1, memory_order_relaxed);
	return true;
}

/* A new item, in the place of the one of this key, if there is one. */
static enum store_result replace(struct store_place *p, uint32_t cells,
				 const struct store_want *want)
{
	const struct store_shard *h = p->shard;

	uint32_t at = store_cells_take(p->store, h, cells, store_place_now(p));
	if (at == 0)
		return STORE_FULL;
	fill(p, at, want);
	/* Only now: what was there may have gone to make room. */
	uint32_t old = store_item_find(h, p->hash, p->key);
	atomic_store_explicit(&h->row->old, old, memory_order_relaxed);
	atomic_store_explicit(&h->row->by, at, memory_order_release);
	set_kind(&h->cells[at], want->kind);
	store_cells_link(h, at, p->hash);
	if (old != 0)
		store_cells_drop(p->store, h, old);
	atomic_store_explicit(&h->row->by, 0, memory_order_release);
	return STORE_OK;
}

enum store_result store_place_put(struct store_place *p, const struct store_want *want)
{
	uint64_t cells = store_cells_of(p->key.n, want->value.n);

	if (cells > p->shard->cells_n / 2)
		return STORE_TOO_LARGE;
	uint32_t at = store_item_find(p->shard, p->hash, p->key);
	if (at != 0 && overwrite_word(p, at, want))
		return STORE_OK;
	if (at != 0 && cells <= 2 && cells_at(p, at) == cells) {
		overwrite(p, at, want);
		return STORE_OK;
	}
	store_change_begin(p->shard);
	enum store_result result = replace(p, (uint32_t)cells, want);
	store_change_end(p->shard);
	return result;
}
