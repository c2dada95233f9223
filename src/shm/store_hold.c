#include "shm/store_hold.h"

#include "shm/store_cells.h"
#include "shm/store_item.h"
#include "shm/store_lock.h"

static enum store_result begin(struct store_place *p, uint32_t *at, const struct store *s,
			       struct str key)
{
	enum store_result result = store_place_find(p, s, key);

	if (result != STORE_OK)
		return result;
	if (!store_lock(s, p->shard))
		return STORE_BUSY;
	*at = store_place_item(p);
	if (*at == 0 || p->shard->cells[*at].kind == STORE_HELD)
		return STORE_OK;
	store_unlock(p->shard);
	return STORE_OTHER_KIND;
}

static size_t words_at(const struct store_place *p, uint32_t at)
{
	const struct store_cell *cell = &p->shard->cells[at];
	return store_words(atomic_load_explicit(&cell->value_n, memory_order_relaxed));
}

/* Goes over the words of an item. sure: what dead processes held is let go. */
static uint32_t count_inside(const struct store_place *p, uint32_t at, bool is_sure)
{
	struct store_walk w;
	_Atomic uint64_t *word;
	uint32_t sum = 0;

	if (at == 0 || !store_walk_value(&w, p->shard, at))
		return 0;
	for (size_t n = words_at(p, at); n > 0 && (word = store_walk_next(&w)) != NULL; n--) {
		uint64_t held = store_word_get(word);
		uint32_t count = store_held_count(held);
		if (is_sure && count > 0 && !store_tenant_lives(&p->store->tenancy, held)) {
			store_word_set(word, 0);
			count = 0;
		}
		sum += count;
	}
	return sum;
}

/* The word of this process, or else one that nobody needs. NULL: neither. */
static _Atomic uint64_t *word_for(const struct store_place *p, uint32_t at)
{
	struct store_walk w;
	_Atomic uint64_t *word, *spare = NULL;

	if (at == 0 || !store_walk_value(&w, p->shard, at))
		return NULL;
	for (size_t n = words_at(p, at); n > 0 && (word = store_walk_next(&w)) != NULL; n--) {
		uint64_t held = store_word_get(word);
		if (held - store_held_count(held) == p->store->tenancy.mark)
			return word;
		if (store_held_count(held) == 0)
			spare = word;
	}
	return spare;
}

/* The item gets one more word, which is ours. */
static enum store_result add_word(struct store_place *p, uint32_t at)
{
	uint64_t words[STORE_TENANTS + 1];
	size_t n = at == 0 ? 0 : words_at(p, at);

	if (n > STORE_TENANTS ||
	    (n > 0 && !store_item_read(p->shard, at, false, (char *)words, n * sizeof(words[0]))))
		return STORE_FULL;
	words[n++] = p->store->tenancy.mark + 1;
	const struct store_want want = { STORE_HELD,
					 { (const char *)words, n * sizeof(words[0]) },
					 0 };
	return store_place_put(p, &want);
}

static enum store_result let_in(struct store_place *p, uint32_t at)
{
	_Atomic uint64_t *word = word_for(p, at);

	if (word == NULL && at != 0) {
		(void)count_inside(p, at, true); /* so there are no more words than processes */
		word = word_for(p, at);
	}
	if (word == NULL)
		return add_word(p, at);
	uint32_t count = store_held_count(store_word_get(word));
	if (count == STORE_HELD_MAX)
		return STORE_REACHED;
	store_word_set(word, p->store->tenancy.mark + count + 1);
	return STORE_OK;
}

enum store_result store_enter(struct store *s, struct str key, uint32_t limit, uint32_t *inside)
{
	struct store_place p;
	uint32_t at;

	if (unlikely(!store_tenant_claim(&s->tenancy)))
		return STORE_FULL;
	enum store_result result = begin(&p, &at, s, key);
	if (result != STORE_OK)
		return result;
	*inside = count_inside(&p, at, false);
	if (*inside >= limit)
		*inside = count_inside(&p, at, true);
	result = *inside >= limit ? STORE_REACHED : let_in(&p, at);
	*inside += result == STORE_OK;
	store_unlock(p.shard);
	return result;
}

static void drop(const struct store_place *p, uint32_t at)
{
	store_change_begin(p->shard);
	store_cells_drop(p->store, p->shard, at);
	store_change_end(p->shard);
}

enum store_result store_leave(const struct store *s, struct str key)
{
	struct store_place p;
	uint32_t at;
	enum store_result result = begin(&p, &at, s, key);

	if (result != STORE_OK)
		return result;
	_Atomic uint64_t *word = word_for(&p, at);
	uint64_t held = word == NULL ? 0 : store_word_get(word);
	result = store_held_count(held) == 0 ? STORE_NOT_FOUND : STORE_OK;
	if (result == STORE_OK && count_inside(&p, at, false) == 1)
		drop(&p, at);
	else if (result == STORE_OK)
		store_word_set(word, held - 1);
	store_unlock(p.shard);
	return result;
}

enum store_result store_inside(const struct store *s, struct str key, uint32_t *inside)
{
	struct store_place p;
	uint32_t at;
	enum store_result result = begin(&p, &at, s, key);

	if (result != STORE_OK)
		return result;
	*inside = count_inside(&p, at, true);
	store_unlock(p.shard);
	return STORE_OK;
}
