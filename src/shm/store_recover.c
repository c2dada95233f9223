#include "shm/store_recover.h"

#include "shm/store_cells.h"
#include "shm/store_item.h"
#include "shm/store_undo.h"

static uint32_t get(const _Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void set(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static void set_kind(struct store_cell *cell, enum store_kind kind)
{
	atomic_store_explicit(&cell->kind, (uint8_t)kind, memory_order_release);
}

/* The new one was committed, and the old one was still there: it goes. */
static void finish_replacing(const struct store_shard *h)
{
	uint32_t old = get(&h->row->old), by = get(&h->row->by);

	if (old != 0 && by != 0 && old <= h->cells_n && by <= h->cells_n &&
	    store_is_head(&h->cells[by]))
		set_kind(&h->cells[old], STORE_NOTHING);
	set(&h->row->by, 0);
	set(&h->row->old, 0);
}

/* Later cells are nobody's until an item claims them. */
static void release_parts(const struct store_shard *h, uint32_t fresh)
{
	for (uint32_t at = 1; at <= fresh; at++) {
		if (!store_is_head(&h->cells[at]))
			set_kind(&h->cells[at], STORE_NOTHING);
	}
}

/* The later cells of an item. An item whose chain is not whole is none: it is left out. */
static void claim_parts(const struct store_shard *h, uint32_t head, uint32_t fresh)
{
	const struct store_cell *cell = &h->cells[head];
	uint64_t n = store_cells_of(atomic_load_explicit(&cell->key_n, memory_order_relaxed),
				    get(&cell->value_n));

	for (uint64_t i = 1; i < n; i++) {
		uint32_t next = get(&cell->next);
		if (next == 0 || next > fresh ||
		    atomic_load_explicit(&h->cells[next].kind, memory_order_relaxed) !=
			    STORE_NOTHING) {
			set_kind(&h->cells[head], STORE_NOTHING);
			return;
		}
		cell = &h->cells[next];
		set_kind(&h->cells[next], STORE_PART);
	}
}

/* From the highest to the lowest, so that the lowest are taken first. */
static void list_free(const struct store_shard *h, uint32_t fresh)
{
	for (uint32_t at = fresh; at > 0; at--) {
		if (atomic_load_explicit(&h->cells[at].kind, memory_order_relaxed) != STORE_NOTHING)
			continue;
		set(&h->cells[at].next, get(&h->row->free));
		set(&h->row->free, at);
		set(&h->row->free_n, get(&h->row->free_n) + 1);
	}
}

static void rebuild(const struct store *s, const struct store_shard *h)
{
	struct store_row *row = h->row;
	uint32_t fresh = get(&row->fresh) <= h->cells_n ? get(&row->fresh) : h->cells_n;

	set(&row->fresh, fresh);
	set(&row->entries, 0);
	set(&row->free, 0);
	set(&row->free_n, 0);
	for (uint32_t i = 0; i <= h->mask; i++)
		set(&h->buckets[i], 0);
	release_parts(h, fresh);
	for (uint32_t at = 1; at <= fresh; at++) {
		if (store_is_head(&h->cells[at]))
			claim_parts(h, at, fresh);
	}
	for (uint32_t at = 1; at <= fresh; at++) {
		if (store_is_head(&h->cells[at]))
			store_cells_link(h, at, store_item_hash(h, at, s->key));
	}
	list_free(h, fresh);
}

void store_recover(const struct store *s, const struct store_shard *h)
{
	uint64_t version = atomic_load_explicit(&h->row->version, memory_order_relaxed) | 1;

	atomic_store_explicit(&h->row->version, version, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	store_undo(h);
	finish_replacing(h);
	rebuild(s, h);
	atomic_store_explicit(&h->row->version, version + 1, memory_order_release);
}
