#include "shm/store_item.h"

#include "shm/store_hash.h"

enum { CHAIN_MAX = 4096 }; /* far more than a bucket ever has */

uint64_t store_cells_of(size_t key_n, size_t value_n)
{
	uint64_t words = (uint64_t)store_words(key_n) + store_words(value_n);
	if (words <= STORE_HEAD_WORDS)
		return 1;
	return 1 + (words - STORE_HEAD_WORDS + STORE_PART_WORDS - 1) / STORE_PART_WORDS;
}

void store_walk_begin(struct store_walk *w, const struct store_shard *s, uint32_t at)
{
	w->shard = s;
	w->cell = &s->cells[at];
	w->words = w->cell->words;
	w->at = 0;
	w->n = STORE_HEAD_WORDS;
}

static bool enter_next_cell(struct store_walk *w)
{
	uint32_t next = atomic_load_explicit(&w->cell->next, memory_order_relaxed);
	if (next == 0 || next > w->shard->cells_n)
		return false;
	w->cell = &w->shard->cells[next];
	w->words = w->cell->part;
	w->at = 0;
	w->n = STORE_PART_WORDS;
	return true;
}

_Atomic uint64_t *store_walk_next(struct store_walk *w)
{
	if (unlikely(w->at == w->n) && !enter_next_cell(w))
		return NULL;
	return &w->words[w->at++];
}

static bool skip_words(struct store_walk *w, size_t n)
{
	while (n > 0) {
		size_t step = w->n - w->at < n ? w->n - w->at : n;
		w->at += (unsigned)step;
		n -= step;
		if (n > 0 && !enter_next_cell(w))
			return false;
	}
	return true;
}

static size_t key_bytes(const struct store_shard *s, uint32_t at)
{
	return atomic_load_explicit(&s->cells[at].key_n, memory_order_relaxed);
}

uint64_t store_item_hash(const struct store_shard *s, uint32_t at, const uint64_t key[2])
{
	struct store_hash h;
	struct store_walk w;
	size_t n = key_bytes(s, at);

	store_hash_begin(&h, key);
	store_walk_begin(&w, s, at);
	for (size_t i = 0; i < store_words(n); i++) {
		_Atomic uint64_t *word = store_walk_next(&w);
		if (word == NULL)
			break;
		store_hash_add(&h, atomic_load_explicit(word, memory_order_relaxed));
	}
	return store_hash_end(&h, n);
}

static bool has_key(const struct store_shard *s, uint32_t at, struct str key)
{
	struct store_walk w;

	if (key_bytes(s, at) != key.n)
		return false;
	store_walk_begin(&w, s, at);
	for (size_t i = 0; i < store_words(key.n); i++) {
		_Atomic uint64_t *word = store_walk_next(&w);
		if (word == NULL ||
		    atomic_load_explicit(word, memory_order_relaxed) != store_text_word(key, i))
			return false;
	}
	return true;
}

uint32_t store_item_find(const struct store_shard *s, uint64_t hash, struct str key)
{
	uint32_t at = atomic_load_explicit(&s->buckets[hash & s->mask], memory_order_relaxed);
	for (unsigned i = 0; i < CHAIN_MAX && at != 0 && at <= s->cells_n; i++) {
		if (has_key(s, at, key))
			return at;
		at = atomic_load_explicit(&s->cells[at].chain, memory_order_relaxed);
	}
	return 0;
}

bool store_walk_value(struct store_walk *w, const struct store_shard *s, uint32_t at)
{
	store_walk_begin(w, s, at);
	return skip_words(w, store_words(key_bytes(s, at)));
}

_Atomic uint64_t *store_item_value(const struct store_shard *s, uint32_t at)
{
	struct store_walk w;

	return store_walk_value(&w, s, at) ? store_walk_next(&w) : NULL;
}

bool store_item_read(const struct store_shard *s, uint32_t at, bool is_key, char *to, size_t n)
{
	struct store_walk w;

	store_walk_begin(&w, s, at);
	if (!is_key && !store_walk_value(&w, s, at))
		return false;
	for (size_t i = 0; i < store_words(n); i++) {
		_Atomic uint64_t *from = store_walk_next(&w);
		if (from == NULL)
			return false;
		uint64_t word = atomic_load_explicit(from, memory_order_relaxed);
		memcpy(to + i * 8, &word, 8);
	}
	return true;
}

static void write_text(struct store_walk *w, struct str text)
{
	for (size_t i = 0; i < store_words(text.n); i++) {
		_Atomic uint64_t *to = store_walk_next(w);
		if (to == NULL)
			return;
		atomic_store_explicit(to, store_text_word(text, i), memory_order_relaxed);
	}
}

void store_item_write(const struct store_shard *s, uint32_t at, struct str key, struct str value)
{
	struct store_walk w;

	store_walk_begin(&w, s, at);
	write_text(&w, key);
	write_text(&w, value);
}
