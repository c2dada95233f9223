#include <stdlib.h>

#include "shm/store_item.h"
#include "shm/store_lock.h"
#include "store_test.h"

/* Marks the cells of an item. false: one is another's, or there are too few. */
static bool mark_item(const struct store_shard *h, uint32_t at, bool *is_mine)
{
	const struct store_cell *cell = &h->cells[at];
	uint64_t n = store_cells_of(cell->key_n, cell->value_n);

	for (uint64_t i = 0; i < n; i++) {
		if (at == 0 || at > h->cells_n || is_mine[at] ||
		    (i > 0 && h->cells[at].kind != STORE_PART))
			return false;
		is_mine[at] = true;
		at = h->cells[at].next;
	}
	return true;
}

static bool is_linked(const struct store *s, const struct store_shard *h, uint32_t at)
{
	uint32_t found = h->buckets[store_item_hash(h, at, s->key) & h->mask];
	unsigned times = 0;

	for (uint32_t i = 0; i <= h->cells_n && found != 0; i++) {
		times += found == at;
		found = h->cells[found].chain;
	}
	return found == 0 && times == 1;
}

static bool mark_items(const struct store *s, const struct store_shard *h, bool *is_mine)
{
	uint32_t entries = 0;

	for (uint32_t at = 1; at <= h->row->fresh; at++) {
		if (!store_is_head(&h->cells[at]))
			continue;
		entries++;
		if (!mark_item(h, at, is_mine) || !is_linked(s, h, at))
			return false;
	}
	return entries == h->row->entries;
}

/* The free list has each other cell once. */
static bool is_free_list_whole(const struct store_shard *h, bool *is_mine)
{
	uint32_t n = 0, used = 0;

	for (uint32_t at = h->row->free; at != 0; at = h->cells[at].next) {
		if (at > h->row->fresh || is_mine[at] || h->cells[at].kind != STORE_NOTHING)
			return false;
		is_mine[at] = true;
		n++;
	}
	for (uint32_t at = 1; at <= h->row->fresh; at++)
		used += is_mine[at];
	return n == h->row->free_n && used == h->row->fresh;
}

static bool is_shard_whole(const struct store *s, const struct store_shard *h)
{
	if (!store_lock(s, h))
		return false;
	bool *is_mine = calloc(h->cells_n + 1, sizeof(bool));
	bool is_whole = is_mine != NULL && (h->row->version & 1) == 0 && h->row->by == 0 &&
			h->row->undo.at == 0 && h->row->fresh <= h->cells_n &&
			mark_items(s, h, is_mine) && is_free_list_whole(h, is_mine);
	free(is_mine);
	store_unlock(h);
	return is_whole;
}

bool store_test_is_whole(struct store *s)
{
	for (uint32_t i = 0; i < s->shards_n; i++) {
		if (!is_shard_whole(s, &s->shards[i]))
			return false;
	}
	return true;
}
