#include "shm/store_lease.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "shm/store_item.h"
#include "shm/store_lock.h"

enum {
	KEPT_MS = 2000, /* beyond its time, so that the agent surely meets what it owes */
	TIME_BITS = 20, /* in tenths of a second: more than a day, then it begins anew */
	TIME_MASK = (1 << TIME_BITS) - 1,
	TAKERS_MAX = (1 << (32 - TIME_BITS)) - 1,
	DECISECOND_MS = 100,
};

#define ROUNDED_NS 0.5

/* As it lies in the store. With a short key it is one cell. */
struct lease {
	int64_t arrival_ns; /* first, as that of a rate */
	int64_t owed_ns;
	float tolerance_s;
	uint32_t settled; /* how many take, and when that was heard; 0: never */
};

_Static_assert(sizeof(struct lease) == 3 * sizeof(uint64_t), "three words");

struct words {
	_Atomic uint64_t *arrival, *owed, *about;
};

static bool find_words(const struct store_shard *h, uint32_t at, struct words *w)
{
	struct store_walk walk;

	if (!store_walk_value(&walk, h, at))
		return false;
	w->arrival = store_walk_next(&walk);
	w->owed = w->arrival == NULL ? NULL : store_walk_next(&walk);
	w->about = w->owed == NULL ? NULL : store_walk_next(&walk);
	return w->about != NULL;
}

static enum store_kind kind_at(const struct store_shard *h, uint32_t at)
{
	return atomic_load_explicit(&h->cells[at].kind, memory_order_relaxed);
}

void store_lease_share(const struct store *s, uint32_t balancers, uint32_t stale_ds)
{
	atomic_store_explicit(&s->head->stale_ds, stale_ds, memory_order_relaxed);
	atomic_store_explicit(&s->head->balancers, balancers, memory_order_relaxed);
}

static struct lease lease_of(const struct words *w)
{
	const uint64_t words[] = { store_word_get(w->arrival), store_word_get(w->owed),
				   store_word_get(w->about) };
	struct lease l;

	memcpy(&l, words, sizeof(l));
	return l;
}

/* Nothing, if nothing is there. false: it is something else. */
static bool read_lease(struct store_place *p, uint32_t at, struct lease *l)
{
	struct words w;

	*l = (struct lease){ .arrival_ns = 0 };
	if (at == 0)
		return true;
	enum store_kind kind = kind_at(p->shard, at);
	if (kind == STORE_RATE) { /* of before they were in common */
		const _Atomic uint64_t *word = store_item_value(p->shard, at);
		l->arrival_ns = word == NULL ? 0 : (int64_t)store_word_get(word);
		return true;
	}
	if (kind != STORE_LEASE || !find_words(p->shard, at, &w))
		return false;
	*l = lease_of(&w);
	return true;
}

/* Each word by itself: who dies between them leaves a key that owes what it did not take. */
static void write_in_place(const struct store_place *p, uint32_t at, const struct words *w,
			   const struct lease *l, int64_t expires_ms)
{
	struct store_cell *cell = &p->shard->cells[at];
	uint64_t words[3];

	memcpy(words, l, sizeof(words));
	store_word_set(w->about, words[2]);
	store_word_set(w->owed, words[1]);
	atomic_store_explicit(&cell->expires_ms, expires_ms, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	store_word_set(w->arrival, words[0]);
	atomic_store_explicit(&cell->used, 1, memory_order_relaxed);
}

static enum store_result write_lease(struct store_place *p, uint32_t at, const struct lease *l)
{
	int64_t expires_ms = l->arrival_ns / 1000000 + KEPT_MS;
	const struct store_want want = { STORE_LEASE, { (const char *)l, sizeof(*l) }, expires_ms };
	struct words w;

	if (at == 0 || kind_at(p->shard, at) != STORE_LEASE || !find_words(p->shard, at, &w))
		return store_place_put(p, &want);
	write_in_place(p, at, &w, l, expires_ms);
	return STORE_OK;
}

static uint32_t decisecond(int64_t now_ns)
{
	return (uint32_t)(now_ns / (DECISECOND_MS * INT64_C(1000000))) & TIME_MASK;
}

static bool is_stale(const struct store *s, const struct lease *l, int64_t now_ns)
{
	uint32_t age = (decisecond(now_ns) - l->settled) & TIME_MASK;
	return l->settled >> TIME_BITS == 0 ||
	       age > atomic_load_explicit(&s->head->stale_ds, memory_order_relaxed);
}

/* How often it counts: never so often that a whole burst could not pay for it. */
static double part_of(const struct store *s, const struct lease *l, double cost_ns,
		      double tolerance_ns, int64_t now_ns)
{
	uint32_t all = store_lease_balancers(s), takers = l->settled >> TIME_BITS;
	double n = is_stale(s, l, now_ns) ? all : takers;
	return fmax(1, fmin(n, tolerance_ns / cost_ns));
}

static void note_debt(const struct store *s)
{
	if (atomic_load_explicit(&s->head->owes, memory_order_relaxed) == 0)
		atomic_store_explicit(&s->head->owes, 1, memory_order_relaxed);
}

static enum store_result take_from(struct store_place *p, const struct store_rate *rate,
				   struct store_taken *to)
{
	uint32_t at = store_place_item(p);
	int64_t now_ns = clock_now_ns();
	struct lease l;

	if (!read_lease(p, at, &l))
		return STORE_OTHER_KIND;
	double cost_ns = rate->cost * rate->interval_us * 1e3;
	double tolerance_ns = rate->tolerance_us * 1e3;
	double ahead_ns = l.arrival_ns > now_ns ? (double)(l.arrival_ns - now_ns) : 0;
	double after_ns = ahead_ns;
	if (cost_ns > 0)
		after_ns += cost_ns * part_of(p->store, &l, cost_ns, tolerance_ns, now_ns);
	if (after_ns > tolerance_ns + ROUNDED_NS) {
		*to = (struct store_taken){ ceil((after_ns - tolerance_ns) / 1e3), ahead_ns / 1e3 };
		return STORE_OK;
	}
	*to = (struct store_taken){ 0, after_ns / 1e3 };
	l.arrival_ns = now_ns + (int64_t)ceil(after_ns);
	l.owed_ns += (int64_t)ceil(cost_ns);
	l.tolerance_s = (float)(tolerance_ns / 1e9);
	note_debt(p->store);
	return write_lease(p, at, &l);
}

enum store_result store_lease_take(const struct store *s, struct str key,
				   const struct store_rate *rate, struct store_taken *to)
{
	struct store_place p;

	if (!(rate->cost * rate->interval_us <= rate->tolerance_us))
		return STORE_TOO_LARGE;
	enum store_result result = store_place_find(&p, s, key);
	if (result == STORE_OK && !store_lock(s, p.shard))
		result = STORE_BUSY;
	if (result != STORE_OK)
		return result;
	result = take_from(&p, rate, to);
	store_unlock(p.shard);
	return result;
}

bool store_lease_begin(const struct store *s, struct store_round *r, uint32_t cells)
{
	r->cells = cells;
	if (r->at.shard >= s->shards_n)
		r->at = (struct store_cursor){ 0, 0 };
	if (r->at.shard > 0 || r->at.cell > 0)
		return true;
	return atomic_exchange_explicit(&s->head->owes, 0, memory_order_relaxed) != 0;
}

/* Takes no lock: a debt that is missed is met in the next round. */
static bool seems_to_owe(const struct store_shard *h, uint32_t at)
{
	struct words w;

	return kind_at(h, at) == STORE_LEASE && find_words(h, at, &w) &&
	       store_word_get(w.owed) != 0;
}

/* The number of the next cell that owes; 0: none that may be looked at. */
static uint32_t look_further(const struct store_shard *h, struct store_round *r)
{
	uint32_t fresh = atomic_load_explicit(&h->row->fresh, memory_order_relaxed);
	uint32_t end = fresh < h->cells_n ? fresh : h->cells_n;

	while (r->at.cell < end && r->cells > 0) {
		r->cells--;
		if (seems_to_owe(h, ++r->at.cell))
			return r->at.cell;
	}
	return 0;
}

static bool collect(struct store *s, const struct store_shard *h, uint32_t at,
		    struct store_debt *to)
{
	struct words w;
	size_t n = atomic_load_explicit(&h->cells[at].key_n, memory_order_relaxed);

	if (!seems_to_owe(h, at) || !find_words(h, at, &w) || !store_make_text(s, n) ||
	    !store_item_read(h, at, true, s->text, n))
		return false;
	const struct lease l = lease_of(&w);
	*to = (struct store_debt){ { s->text, n }, l.owed_ns, (double)l.tolerance_s * 1e6 };
	store_word_set(w.owed, 0);
	return true;
}

bool store_lease_next(struct store *s, struct store_round *r, struct store_debt *to)
{
	for (; r->at.shard < s->shards_n; r->at.shard++, r->at.cell = 0) {
		const struct store_shard *h = &s->shards[r->at.shard];
		uint32_t at;
		while ((at = look_further(h, r)) != 0) {
			if (!store_lock(s, h))
				break;
			bool is_found = collect(s, h, at, to);
			store_unlock(h);
			if (is_found)
				return true;
		}
		if (r->cells == 0)
			return false;
	}
	return false;
}

/* A key that was new here stays one once more: until the others have heard of us, too. */
static uint32_t settled(const struct store *s, const struct lease *l, uint32_t takers,
			int64_t now_ns)
{
	uint32_t n = is_stale(s, l, now_ns) ? store_lease_balancers(s) : takers;
	uint32_t kept = n < 1 ? 1 : n > TAKERS_MAX ? TAKERS_MAX : n;
	return kept << TIME_BITS | decisecond(now_ns);
}

static enum store_result settle(struct store_place *p, int64_t ahead_ns, uint32_t takers)
{
	uint32_t at = store_place_item(p);
	int64_t now_ns = clock_now_ns();
	struct lease l;

	if (at == 0)
		return STORE_NOT_FOUND;
	if (kind_at(p->shard, at) != STORE_LEASE || !read_lease(p, at, &l))
		return STORE_OTHER_KIND;
	l.settled = settled(p->store, &l, takers, now_ns);
	double owed_ns = (double)l.owed_ns;
	if (owed_ns > 0)
		owed_ns *= part_of(p->store, &l, owed_ns, (double)l.tolerance_s * 1e9, now_ns);
	l.arrival_ns = now_ns + ahead_ns + (int64_t)ceil(owed_ns);
	return write_lease(p, at, &l);
}

enum store_result store_lease_settle(const struct store *s, struct str key, int64_t ahead_ns,
				     uint32_t takers)
{
	struct store_place p;
	enum store_result result = store_place_find(&p, s, key);

	if (result == STORE_OK && !store_lock(s, p.shard))
		result = STORE_BUSY;
	if (result != STORE_OK)
		return result;
	result = settle(&p, ahead_ns, takers);
	store_unlock(p.shard);
	return result;
}
