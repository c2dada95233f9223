#include "shm/store_rate.h"

#include <math.h>

#include "base/clock.h"
#include "shm/store_item.h"
#include "shm/store_lock.h"

enum { FIFTHS = 5, SLOTS = FIFTHS + 1 };

/* As it lies in the store. */
struct window {
	int64_t fifth;	  /* number of the newest one, since the machine was started */
	int64_t fifth_us; /* how long one is */
	double sums[SLOTS];
};

static bool read_window(const struct store_place *p, uint32_t at, struct window *w)
{
	return store_item_read(p->shard, at, false, (char *)w, sizeof(*w));
}

/* Moves it on to now: what is older than six fifths is gone. */
static void move_on(struct window *w, int64_t fifth)
{
	int64_t gone = fifth - w->fifth;

	for (int64_t i = 1; i <= gone && i <= SLOTS; i++)
		w->sums[(w->fifth + i) % SLOTS] = 0;
	if (gone > 0)
		w->fifth = fifth;
}

static double sum_of(const struct window *w, int64_t now_us)
{
	double part = (double)(now_us % w->fifth_us) / (double)w->fifth_us, sum = 0;

	for (int64_t i = 0; i < FIFTHS; i++)
		sum += w->sums[(w->fifth + SLOTS - i) % SLOTS];
	return sum + w->sums[(w->fifth + 1) % SLOTS] * (1 - part);
}

static enum store_result count_in(struct store_place *p, uint32_t at, double n, struct window *w)
{
	int64_t now_us = clock_now_ns() / 1000;
	struct window own = { .fifth = now_us / w->fifth_us, .fifth_us = w->fifth_us };

	if (at != 0 && p->shard->cells[at].kind != STORE_WINDOW)
		return STORE_OTHER_KIND;
	if (at != 0 && (!read_window(p, at, w) || w->fifth_us != own.fifth_us))
		at = 0;
	if (at == 0)
		*w = own;
	move_on(w, own.fifth);
	w->sums[w->fifth % SLOTS] += n;
	if (n == 0)
		return STORE_OK;
	struct store_want want = { STORE_WINDOW,
				   { (const char *)w, sizeof(*w) },
				   store_place_now(p) + 1 + w->fifth_us * SLOTS / 1000 };
	return store_place_put(p, &want);
}

enum store_result store_count(const struct store *s, struct str key, double n, int64_t window_ms,
			      double *to)
{
	struct window w = { .fifth_us = window_ms > 0 ? window_ms * 1000 / FIFTHS : 1 };
	struct store_place p;
	enum store_result result = store_place_find(&p, s, key);

	if (result == STORE_OK && !store_lock(s, p.shard))
		result = STORE_BUSY;
	if (result != STORE_OK)
		return result;
	result = count_in(&p, store_place_item(&p), n, &w);
	store_unlock(p.shard);
	if (result == STORE_OK)
		*to = sum_of(&w, clock_now_ns() / 1000);
	return result;
}

/* One word is what counts; that the item expires a little late, if this ends here, does no harm. */
static enum store_result set_arrival(struct store_place *p, uint32_t at, int64_t arrival_ns)
{
	int64_t expires_ms = arrival_ns / 1000000 + 1;
	struct store_want want = { STORE_RATE,
				   { (const char *)&arrival_ns, sizeof(arrival_ns) },
				   expires_ms };

	if (at == 0)
		return store_place_put(p, &want);
	struct store_cell *cell = &p->shard->cells[at];
	atomic_store_explicit(&cell->expires_ms, expires_ms, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	store_word_set(store_item_value(p->shard, at), (uint64_t)arrival_ns);
	atomic_store_explicit(&cell->used, 1, memory_order_relaxed);
	return STORE_OK;
}

/* When what was taken so far is paid for, never in the past. */
static enum store_result arrival_of(struct store_place *p, uint32_t at, int64_t now_ns, int64_t *to)
{
	*to = now_ns;
	if (at == 0)
		return STORE_OK;
	const _Atomic uint64_t *word = store_item_value(p->shard, at);
	enum store_kind kind = p->shard->cells[at].kind;
	if ((kind != STORE_RATE && kind != STORE_LEASE) || word == NULL)
		return STORE_OTHER_KIND;
	int64_t arrival_ns = (int64_t)store_word_get(word);
	if (arrival_ns > now_ns)
		*to = arrival_ns;
	return STORE_OK;
}

static enum store_result take_from(struct store_place *p, const struct store_rate *rate,
				   struct store_taken *to)
{
	uint32_t at = store_place_item(p);
	int64_t now_ns = clock_now_ns(), arrival_ns;

	if (arrival_of(p, at, now_ns, &arrival_ns) != STORE_OK)
		return STORE_OTHER_KIND;
	double ahead_ns = (double)(arrival_ns - now_ns);
	double after_ns = ahead_ns + rate->cost * rate->interval_us * 1e3;
	double excess_ns = after_ns - rate->tolerance_us * 1e3;
	*to = (struct store_taken){ 0, after_ns / 1e3 };
	if (excess_ns <= 0)
		return set_arrival(p, at, now_ns + (int64_t)ceil(after_ns));
	*to = (struct store_taken){ ceil(excess_ns / 1e3), ahead_ns / 1e3 };
	return STORE_OK;
}

enum store_result store_take(const struct store *s, struct str key, const struct store_rate *rate,
			     struct store_taken *to)
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

enum store_result store_ahead(const struct store *s, struct str key, double *to_us)
{
	struct store_place p;
	int64_t now_ns = clock_now_ns(), arrival_ns = now_ns;
	enum store_result result = store_place_find(&p, s, key);

	if (result == STORE_OK && !store_lock(s, p.shard))
		result = STORE_BUSY;
	if (result != STORE_OK)
		return result;
	result = arrival_of(&p, store_place_item(&p), now_ns, &arrival_ns);
	store_unlock(p.shard);
	*to_us = (double)(arrival_ns - now_ns) / 1e3;
	return result;
}
