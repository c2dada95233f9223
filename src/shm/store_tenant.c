#include "shm/store_tenant.h"

#include <errno.h>

#include "shm/store_item.h"

enum { ROW_SHIFT = 24, LIFE_SHIFT = 32, ROW_MASK = 0xff };

_Static_assert((int)STORE_TENANTS < (int)ROW_MASK, "the number of a row is a byte, from 1");

/* Nobody that lives has the row: begins another life of it. */
static bool take_row(struct store_tenant *row)
{
	int sys = pthread_mutex_trylock(&row->alive);

	if (sys == EOWNERDEAD)
		sys = pthread_mutex_consistent(&row->alive);
	if (sys != 0)
		return false;
	uint32_t life = atomic_load_explicit(&row->life, memory_order_relaxed);
	atomic_store_explicit(&row->life, life + 1, memory_order_relaxed);
	return true;
}

bool store_tenant_begin(struct store_tenancy *t)
{
	for (uint32_t i = 0; i < STORE_TENANTS && t->own == NULL; i++) {
		if (!take_row(&t->rows[i]))
			continue;
		uint64_t life = atomic_load_explicit(&t->rows[i].life, memory_order_relaxed);
		t->mark = life << LIFE_SHIFT | (uint64_t)(i + 1) << ROW_SHIFT;
		t->own = &t->rows[i];
	}
	return t->own != NULL;
}

static struct store_tenant *row_of(const struct store_tenancy *t, uint64_t word)
{
	uint32_t number = word >> ROW_SHIFT & ROW_MASK;
	return number >= 1 && number <= STORE_TENANTS ? &t->rows[number - 1] : NULL;
}

void store_tenant_end(struct store_tenancy *t)
{
	if (t->own != NULL)
		(void)pthread_mutex_unlock(&t->own->alive); /* it is ours */
	t->own = NULL;
	t->mark = 0;
}

bool store_tenant_lives(const struct store_tenancy *t, uint64_t word)
{
	struct store_tenant *row = row_of(t, word);

	if (row == NULL ||
	    atomic_load_explicit(&row->life, memory_order_relaxed) != word >> LIFE_SHIFT)
		return false;
	if (!take_row(row))
		return true;
	(void)pthread_mutex_unlock(&row->alive); /* we have just taken it */
	return false;
}

bool store_tenants_hold(const struct store_tenancy *t, const struct store_shard *h, uint32_t at)
{
	const struct store_cell *cell = &h->cells[at];
	struct store_walk w;

	if (likely(atomic_load_explicit(&cell->kind, memory_order_relaxed) != STORE_HELD) ||
	    !store_walk_value(&w, h, at))
		return false;
	size_t n = store_words(atomic_load_explicit(&cell->value_n, memory_order_relaxed));
	for (size_t i = 0; i < n; i++) {
		const _Atomic uint64_t *word = store_walk_next(&w);
		if (word == NULL)
			return false;
		uint64_t held = atomic_load_explicit(word, memory_order_relaxed);
		if (store_held_count(held) > 0 && store_tenant_lives(t, held))
			return true;
	}
	return false;
}
