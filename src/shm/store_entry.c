#include "shm/store_entry.h"

#include "base/clock.h"
#include "shm/store_cells.h"
#include "shm/store_item.h"
#include "shm/store_lock.h"

enum { READ_TRIES = 64 };

static bool read_text(struct store *s, const struct store_shard *h, uint32_t at,
		      struct store_value *to)
{
	size_t n = atomic_load_explicit(&h->cells[at].value_n, memory_order_relaxed);

	if (n / sizeof(struct store_cell) > h->cells_n || !store_make_text(s, n))
		return false;
	to->text = (struct str){ s->text, n };
	return store_item_read(h, at, false, s->text, n);
}

static bool read_number(const struct store_shard *h, uint32_t at, struct store_value *to)
{
	const _Atomic uint64_t *word = store_item_value(h, at);

	if (word == NULL)
		return false;
	uint64_t bits = store_word_get(word);
	memcpy(&to->number, &bits, sizeof(bits));
	return true;
}

static void mark_used(struct store_cell *cell)
{
	/* Written only when it changes: so readers do not take the line from each other. */
	if (atomic_load_explicit(&cell->used, memory_order_relaxed) == 0)
		atomic_store_explicit(&cell->used, 1, memory_order_relaxed);
}

/* false: what was read may be torn. */
static bool read_value(struct store *s, struct store_place *p, struct store_value *to)
{
	uint32_t at = store_place_item(p);

	to->kind = STORE_NOTHING;
	if (at == 0)
		return true;
	struct store_cell *cell = &p->shard->cells[at];
	mark_used(cell);
	to->kind = atomic_load_explicit(&cell->kind, memory_order_relaxed);
	if (to->kind == STORE_NUMBER)
		return read_number(p->shard, at, to);
	if (to->kind == STORE_TEXT)
		return read_text(s, p->shard, at, to);
	if (to->kind != STORE_TRUE && to->kind != STORE_FALSE)
		to->kind = STORE_NOTHING; /* what limits keep is no value */
	return true;
}

static bool read_unlocked(struct store *s, struct store_place *p, struct store_value *to)
{
	const _Atomic uint64_t *version = &p->shard->row->version;

	for (int i = 0; i < READ_TRIES; i++) {
		uint64_t before = atomic_load_explicit(version, memory_order_acquire);
		if (unlikely((before & 1) != 0))
			continue;
		bool is_whole = read_value(s, p, to);
		atomic_thread_fence(memory_order_acquire);
		if (likely(is_whole &&
			   atomic_load_explicit(version, memory_order_relaxed) == before))
			return true;
	}
	return false;
}

/* Writers are too many, or one has died. */
static enum store_result read_locked(struct store *s, struct store_place *p, struct store_value *to)
{
	if (!store_lock(s, p->shard))
		return STORE_BUSY;
	if (!read_value(s, p, to))
		to->kind = STORE_NOTHING; /* no memory for its text */
	store_unlock(p->shard);
	return STORE_OK;
}

enum store_result store_get(struct store *s, struct str key, struct store_value *to)
{
	struct store_place p;
	enum store_result result = store_place_find(&p, s, key);

	to->kind = STORE_NOTHING;
	if (unlikely(result != STORE_OK))
		return result;
	if (unlikely(!read_unlocked(s, &p, to)))
		result = read_locked(s, &p, to);
	store_tenant_count(&s->tenancy, to->kind != STORE_NOTHING);
	return result;
}

/* Finds the place of a key and locks its shard. */
static enum store_result begin(struct store_place *p, const struct store *s, struct str key)
{
	enum store_result result = store_place_find(p, s, key);

	if (result != STORE_OK)
		return result;
	return store_lock(s, p->shard) ? STORE_OK : STORE_BUSY;
}

static int64_t expiry_of(struct store_place *p, int64_t ttl_ms)
{
	return ttl_ms > 0 ? store_place_now(p) + ttl_ms : 0;
}

static enum store_result put_value(struct store_place *p, const struct store_value *value,
				   int64_t ttl_ms)
{
	struct store_want want = { .kind = value->kind, .expires_ms = expiry_of(p, ttl_ms) };

	if (value->kind == STORE_NUMBER)
		want.value = (struct str){ (const char *)&value->number, sizeof(value->number) };
	else if (value->kind == STORE_TEXT)
		want.value = value->text;
	return store_place_put(p, &want);
}

enum store_result store_set(const struct store *s, struct str key, const struct store_value *value,
			    int64_t ttl_ms, enum store_when when)
{
	struct store_place p;

	if (value->kind == STORE_TEXT && value->text.n > UINT32_MAX / 2)
		return STORE_TOO_LARGE;
	enum store_result result = begin(&p, s, key);
	if (result != STORE_OK)
		return result;
	if (when == STORE_IF_ABSENT && store_place_item(&p) != 0)
		result = STORE_EXISTS;
	else if (when == STORE_IF_THERE && store_place_item(&p) == 0)
		result = STORE_NOT_FOUND;
	else
		result = put_value(&p, value, ttl_ms);
	store_unlock(p.shard);
	return result;
}

static enum store_result add_to(const struct store_place *p, uint32_t at, double by, double *to)
{
	struct store_cell *cell = &p->shard->cells[at];
	struct store_value value;

	if (atomic_load_explicit(&cell->kind, memory_order_relaxed) != STORE_NUMBER ||
	    !read_number(p->shard, at, &value))
		return STORE_OTHER_KIND;
	mark_used(cell);
	*to = value.number + by;
	uint64_t bits;
	memcpy(&bits, to, sizeof(bits));
	store_word_set(store_item_value(p->shard, at), bits);
	return STORE_OK;
}

enum store_result store_increment(const struct store *s, struct str key,
				  const struct store_step *step, double *to)
{
	struct store_place p;
	enum store_result result = begin(&p, s, key);

	if (result != STORE_OK)
		return result;
	uint32_t at = store_place_item(&p);
	if (at != 0) {
		result = add_to(&p, at, step->by, to);
	} else if (step->initial == NULL) {
		result = STORE_NOT_FOUND;
	} else {
		const struct store_value value = { .kind = STORE_NUMBER,
						   .number = *step->initial + step->by };
		*to = value.number;
		result = put_value(&p, &value, step->ttl_ms);
	}
	store_unlock(p.shard);
	return result;
}

enum store_result store_delete(const struct store *s, struct str key)
{
	struct store_place p;
	enum store_result result = begin(&p, s, key);

	if (result != STORE_OK)
		return result;
	uint32_t at = store_place_item(&p);
	if (at != 0) {
		store_change_begin(p.shard);
		store_cells_drop(s, p.shard, at);
		store_change_end(p.shard);
	}
	store_unlock(p.shard);
	return at != 0 ? STORE_OK : STORE_NOT_FOUND;
}

enum store_result store_ttl(const struct store *s, struct str key, int64_t *ttl_ms)
{
	struct store_place p;
	enum store_result result = begin(&p, s, key);

	if (result != STORE_OK)
		return result;
	uint32_t at = store_place_item(&p);
	if (at != 0) {
		int64_t expires_ms =
			atomic_load_explicit(&p.shard->cells[at].expires_ms, memory_order_relaxed);
		*ttl_ms = expires_ms == 0 ? 0 : expires_ms - store_place_now(&p);
	}
	store_unlock(p.shard);
	return at != 0 ? STORE_OK : STORE_NOT_FOUND;
}
