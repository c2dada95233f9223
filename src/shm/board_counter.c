#include "shm/board_counter.h"

#include "shm/board.h"
#include "shm/hash.h"
#include "shm/words.h"

/*
 * Every process that finds the cell unnamed writes the same name, so one that dies leaves nothing
 * undone.
 */
static void name_cell(struct board_counter *c, struct str name)
{
	if (atomic_load_explicit(&c->is_named, memory_order_acquire) != 0)
		return;
	words_store_text(c->name, BOARD_COUNTER_NAME_WORDS, name);
	atomic_store_explicit(&c->is_named, 1, memory_order_release);
}

/* Is the cell this key's? Takes it when it is free. */
static bool claim_cell(struct board_counter *c, uint64_t key)
{
	uint64_t seen = atomic_load_explicit(&c->key, memory_order_acquire);
	if (seen == 0 && atomic_compare_exchange_strong_explicit(
				 &c->key, &seen, key, memory_order_acq_rel, memory_order_acquire))
		return true;
	return seen == key;
}

_Atomic uint64_t *board_counter_by_key(struct board *b, uint64_t key, struct str name)
{
	for (unsigned i = 0; i < BOARD_COUNTERS_MAX; i++) {
		struct board_counter *c = &b->counters[(key + i) % BOARD_COUNTERS_MAX];
		if (claim_cell(c, key)) {
			name_cell(c, name);
			return &c->value;
		}
	}
	return NULL;
}

_Atomic uint64_t *board_counter(struct board *b, struct str name)
{
	return board_counter_by_key(b, hash_name(0, name), name);
}

uint64_t board_counter_add(_Atomic uint64_t *cell, uint64_t n)
{
	return atomic_fetch_add_explicit(cell, n, memory_order_relaxed);
}

bool board_counter_at(const struct board *b, unsigned i, char *name, size_t size, uint64_t *value)
{
	const struct board_counter *c = &b->counters[i];
	if (atomic_load_explicit(&c->is_named, memory_order_acquire) == 0)
		return false;
	words_load_text(name, size, c->name, BOARD_COUNTER_NAME_WORDS);
	*value = atomic_load_explicit(&c->value, memory_order_relaxed);
	return true;
}
