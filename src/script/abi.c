/* What Lua asks of the process, of backends and pools, and of counters. */
#include "script/abi.h"

#include <math.h>
#include <string.h>

#include "base/digest.h"
#include "base/log.h"
#include "script/policies.h"
#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_cell.h"
#include "shm/board_counter.h"
#include "shm/board_pool.h"
#include "shm/board_state.h"
#include "shm/board_suspect.h"
#include "shm/board_worker.h"

/*
 * LuaJIT has no atomics. It reads these words as they are, which is right where aligned loads are
 * whole.
 */
_Static_assert(offsetof(neap_slot, epoch) == offsetof(struct board_backend, epoch), "one layout");
_Static_assert(offsetof(neap_slot, pool) == offsetof(struct board_backend, pool), "one layout");
_Static_assert(offsetof(neap_slot, weight) == offsetof(struct board_backend, weight), "one layout");
_Static_assert(offsetof(neap_slot, slots) == offsetof(struct board_backend, slots), "one layout");
_Static_assert(offsetof(neap_slot, tier) == offsetof(struct board_backend, tier), "one layout");
_Static_assert(offsetof(neap_slot, state) == offsetof(struct board_backend, state), "one layout");
_Static_assert(offsetof(neap_slot, latency_us) == offsetof(struct board_backend, latency_us),
	       "one layout");
_Static_assert(offsetof(neap_slot, back_since_ms) == offsetof(struct board_backend, back_since_ms),
	       "one layout");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the state is a word's first byte");

NEAP_API uint32_t neap_abi_version(void)
{
	return ABI_VERSION;
}

NEAP_API neap_current *neap_runtime(void)
{
	return &policies_current()->cos.current;
}

NEAP_API void neap_log(uint32_t level, const char *text, size_t n)
{
	log_at((enum log_level)level, "%.*s", (int)n, text);
}

static bool is_slot(int32_t slot)
{
	return slot >= 0 && slot < BOARD_BACKENDS_MAX;
}

NEAP_API neap_slot *neap_slot_at(int32_t slot)
{
	return is_slot(slot) ? (neap_slot *)(void *)&policies_board()->backends[slot] : NULL;
}

NEAP_API uint32_t neap_slot_text(int32_t slot, uint32_t epoch, neap_member *to)
{
	return is_slot(slot) &&
	       board_backend_text(policies_board(), slot, epoch, (struct board_text *)(void *)to);
}

NEAP_API uint32_t neap_slot_inflight(int32_t slot)
{
	return is_slot(slot) ? board_inflight(policies_board(), slot) : 0;
}

NEAP_API double neap_slot_since(int32_t slot)
{
	return is_slot(slot) ? (double)board_state_since_ms(policies_board(), slot) / 1000 : 0;
}

NEAP_API double neap_slot_errors(int32_t slot)
{
	uint64_t requests, failures = 0;
	if (is_slot(slot))
		board_totals(policies_board(), slot, &requests, &failures);
	return (double)failures;
}

/* What the log says of it; "is dead." is the article's. */
static void log_change(const char *url, enum board_state to, double seconds, struct str why)
{
	static const char *const words[] = { "is not known", "is up", "is dead", "drains",
					     "is ejected" };
	if (to == STATE_DOWN)
		log_warn("%.*s%s%s is dead.", (int)why.n, why.p, why.n > 0 ? ": " : "", url);
	else if (to == STATE_EJECTED)
		log_warn("%s is ejected for %g s: %.*s", url, seconds, (int)why.n, why.p);
	else
		log_info("%s %s, a policy says", url, words[to]);
}

static bool change_state(int32_t slot, enum board_state to, double seconds, struct str why)
{
	int64_t now_ms = (int64_t)(policies_current()->o.loop->unix_now * 1000);
	if (to == STATE_DOWN)
		return board_mark_down(policies_board(), slot, why, now_ms);
	if (to == STATE_EJECTED)
		return board_eject(policies_board(), slot,
				   now_ms + (int64_t)(fmin(seconds, 1e9) * 1000), why, now_ms);
	return board_set_state(policies_board(), slot, to, why, now_ms);
}

NEAP_API uint32_t neap_slot_set_state(int32_t slot, uint32_t epoch, uint32_t to, double seconds,
				      const char *why, size_t n)
{
	struct policies *p = policies_current();
	struct board_text text;
	struct str reason = { why, n };
	if (!is_slot(slot) || to > STATE_EJECTED ||
	    !board_backend_text(policies_board(), slot, epoch, &text) ||
	    !change_state(slot, (enum board_state)to, seconds, reason))
		return 0;
	log_change(text.url, (enum board_state)to, seconds, reason);
	policies_tell_state_change(p);
	return 1;
}

NEAP_API uint32_t neap_slot_set_weight(int32_t slot, uint32_t epoch, uint32_t weight)
{
	struct board *b = policies_board();
	return is_slot(slot) && board_epoch(b, slot) == epoch &&
	       board_backend_set_weight(b, slot, weight);
}

/* Did an attempt there fail for a reason that says nothing about the backend? */
static bool says_nothing(const neap_current *c, int32_t slot)
{
	return c->failure != NULL && c->request != NULL && c->request->slot == slot &&
	       (c->failure->ours != 0 || c->failure->kept != 0);
}

NEAP_API uint32_t neap_slot_suspect(int32_t slot, uint32_t epoch, const char *why, size_t n)
{
	struct policies *p = policies_current();
	if (!is_slot(slot) || board_epoch(policies_board(), slot) != epoch ||
	    says_nothing(&p->cos.current, slot))
		return 0;
	board_suspect(policies_board(), slot, (struct str){ why, n });
	policies_tell_state_change(p);
	return 1;
}

NEAP_API int32_t neap_pool_find(const char *name, size_t n)
{
	return board_pool_find(policies_board(), (struct str){ name, n });
}

NEAP_API const volatile uint32_t *neap_pool_version(int32_t pool)
{
	if (pool < 0 || pool >= BOARD_POOLS_MAX)
		return NULL;
	return (const volatile uint32_t *)(const void *)&policies_board()->pools[pool].version;
}

NEAP_API uint32_t neap_pool_members(int32_t pool, int32_t *to, uint32_t max)
{
	return pool < 0 ? 0 : board_pool_members(policies_board(), pool, to, max);
}

enum { LOADS_AT_ONCE = 64 };

/*
 * The requests in flight of n backends, at most LOADS_AT_ONCE, plus `more` each. It goes row by
 * row: the processor follows one row of memory at a time, without a loop within the loop.
 */
static void read_loads(const struct board *b, const int32_t *slots, uint32_t n, uint32_t more,
		       uint32_t *loads)
{
	uint32_t workers = board_workers(b);
	const _Atomic uint32_t *row = b->inflight[BOARD_EARLIER];
	for (uint32_t i = 0; i < n; i++)
		loads[i] = more + atomic_load_explicit(&row[slots[i]], memory_order_relaxed);
	for (uint32_t worker = 0; worker < workers; worker++) {
		row = b->inflight[worker];
		for (uint32_t i = 0; i < n; i++)
			loads[i] += atomic_load_explicit(&row[slots[i]], memory_order_relaxed);
	}
}

struct least {
	uint32_t at, load, weight;
};

static bool is_less(uint32_t load, uint32_t weight, const struct least *than)
{
	if (weight == than->weight)
		return load < than->load;
	return (uint64_t)load * than->weight < (uint64_t)than->load * weight;
}

/* Looks at those from `at` up to `end`. false: one is idle, and nothing is less than idle. */
static bool find_least(const int32_t *slots, const uint32_t *weights, uint32_t at, uint32_t end,
		       uint32_t more, struct least *least)
{
	const struct board *b = policies_board();
	uint32_t loads[LOADS_AT_ONCE];
	while (at < end && least->load > 0) {
		uint32_t n = end - at < LOADS_AT_ONCE ? end - at : LOADS_AT_ONCE;
		read_loads(b, slots + at, n, more, loads);
		for (uint32_t i = 0; i < n; i++) {
			if (is_less(loads[i], weights[at + i], least))
				*least = (struct least){ at + i, loads[i], weights[at + i] };
		}
		at += n;
	}
	return least->load > 0;
}

NEAP_API uint32_t neap_pool_least_loaded(const int32_t *slots, const uint32_t *weights, uint32_t n,
					 uint32_t more, uint32_t first)
{
	struct least least = { first, 0, weights[first] };
	read_loads(policies_board(), slots + first, 1, more, &least.load);
	if (find_least(slots, weights, first + 1, n, more, &least))
		(void)find_least(slots, weights, 0, first, more, &least); /* it is in `least` */
	return least.at;
}

NEAP_API uint32_t neap_pool_least_loaded_but(const int32_t *slots, const uint32_t *weights,
					     uint32_t n, uint32_t more, uint32_t first, int32_t but)
{
	struct least least = { first, UINT32_MAX, weights[first] };
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (first + i) % n;
		uint32_t load = board_inflight(policies_board(), slots[at]) + more;
		if (slots[at] == but && load > more)
			load--;
		if (i == 0 || is_less(load, weights[at], &least))
			least = (struct least){ at, load, weights[at] };
	}
	return least.at;
}

/* A score of 32 random bits and a weight: how often it is the highest goes by the weight. */
static double score_of(double bits, uint32_t weight)
{
	return (double)weight / -log((bits + 0.5) / 4294967296.0);
}

NEAP_API uint32_t neap_pool_hash(const uint32_t *weights, const double *ids, uint32_t n,
				 const char *key, size_t key_n)
{
	double hashed = digest_bytes(key, key_n, 0), best_bits = -1;
	uint32_t best = 0, best_weight = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t weight = weights[i];
		double bits = digest_pair(hashed, ids[i]);
		/* Logarithms are needed for different weights only. */
		if (weight != best_weight) {
			if (best_weight != 0 &&
			    score_of(bits, weight) <= score_of(best_bits, best_weight))
				continue;
		} else if (bits <= best_bits) {
			continue;
		}
		best = i;
		best_bits = bits;
		best_weight = weight;
	}
	return best;
}

NEAP_API uint64_t *neap_counter(const char *name, size_t n)
{
	return (uint64_t *)(void *)board_counter(policies_board(), (struct str){ name, n });
}

static _Atomic uint64_t *atomic_cell(uint64_t *counter)
{
	return (_Atomic uint64_t *)(void *)counter;
}

NEAP_API double neap_counter_add(uint64_t *counter, double by)
{
	return (double)atomic_fetch_add_explicit(atomic_cell(counter), (uint64_t)(int64_t)by,
						 memory_order_relaxed);
}

NEAP_API double neap_counter_get(const uint64_t *counter)
{
	return (double)atomic_load_explicit((const _Atomic uint64_t *)(const void *)counter,
					    memory_order_relaxed);
}

static uint64_t bits_of(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static double of_bits(uint64_t bits)
{
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

NEAP_API void neap_counter_set(uint64_t *counter, double value)
{
	atomic_store_explicit(atomic_cell(counter), bits_of(value), memory_order_relaxed);
}

NEAP_API void neap_counter_gauge_add(uint64_t *counter, double by)
{
	uint64_t old = atomic_load_explicit(atomic_cell(counter), memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(atomic_cell(counter), &old,
						      bits_of(of_bits(old) + by),
						      memory_order_relaxed, memory_order_relaxed))
		continue;
}

NEAP_API double neap_counter_gauge(const uint64_t *counter)
{
	return of_bits(atomic_load_explicit((const _Atomic uint64_t *)(const void *)counter,
					    memory_order_relaxed));
}
