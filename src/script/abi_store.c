/* What Lua asks of the stores of neap.shared. */
#include "script/abi_store.h"

#include <math.h>

#include "script/abi.h"
#include "script/policies.h"
#include "shm/store_entry.h"
#include "shm/store_rate.h"

enum { TTL_SECONDS_MAX = 1000000000 };

static struct stores *stores(void)
{
	return &policies_current()->stores;
}

static struct store *store_at(uint32_t store)
{
	return stores_at(stores(), store);
}

static void leave_text(struct str text)
{
	neap_current *current = &policies_current()->cos.current;
	current->out = text.p;
	current->out_n = (uint32_t)text.n;
}

/* Rounded up, so that what lives for a moment lives at all. */
static int64_t ms_of(double seconds)
{
	return seconds > 0 ? (int64_t)ceil(fmin(seconds, TTL_SECONDS_MAX) * 1000) : 0;
}

NEAP_API const neap_store_answer *neap_store_answers(void)
{
	return &stores()->answer;
}

NEAP_API uint32_t neap_store_get(uint32_t store, const char *key, size_t n)
{
	struct store *s = store_at(store);
	struct store_value value = { .kind = STORE_NOTHING };

	if (unlikely(s == NULL))
		return STORE_NOTHING;
	neap_store_answer *answer = &stores()->answer;
	answer->result = store_get(s, (struct str){ key, n }, &value);
	answer->number = value.number;
	if (value.kind == STORE_TEXT)
		leave_text(value.text);
	return value.kind;
}

static uint32_t set(uint32_t store, struct str key, const struct store_value *value, double ttl,
		    uint32_t when)
{
	const struct store *s = store_at(store);
	return s == NULL ? STORE_NOT_FOUND
			 : store_set(s, key, value, ms_of(ttl), (enum store_when)when);
}

NEAP_API uint32_t neap_store_set_number(uint32_t store, const char *key, size_t n, double value,
					double ttl, uint32_t when)
{
	const struct store_value v = { .kind = STORE_NUMBER, .number = value };
	return set(store, (struct str){ key, n }, &v, ttl, when);
}

NEAP_API uint32_t neap_store_set_flag(uint32_t store, const char *key, size_t n, uint32_t kind,
				      double ttl, uint32_t when)
{
	const struct store_value v = { .kind = kind == STORE_TRUE ? STORE_TRUE : STORE_FALSE };
	return set(store, (struct str){ key, n }, &v, ttl, when);
}

NEAP_API uint32_t neap_store_set_text(uint32_t store, const char *key, size_t n, const char *value,
				      size_t value_n, double ttl, uint32_t when)
{
	const struct store_value v = { .kind = STORE_TEXT, .text = { value, value_n } };
	return set(store, (struct str){ key, n }, &v, ttl, when);
}

NEAP_API uint32_t neap_store_increment(uint32_t store, const char *key, size_t n, double by,
				       uint32_t has_initial, double initial, double ttl)
{
	const struct store *s = store_at(store);
	const struct store_step step = { by, has_initial == 1 ? &initial : NULL, ms_of(ttl) };

	if (s == NULL)
		return STORE_NOT_FOUND;
	return store_increment(s, (struct str){ key, n }, &step, &stores()->answer.number);
}

NEAP_API uint32_t neap_store_delete(uint32_t store, const char *key, size_t n)
{
	const struct store *s = store_at(store);
	return s == NULL ? STORE_NOT_FOUND : store_delete(s, (struct str){ key, n });
}

NEAP_API uint32_t neap_store_ttl(uint32_t store, const char *key, size_t n)
{
	const struct store *s = store_at(store);
	int64_t ms = 0;

	if (s == NULL)
		return STORE_NOT_FOUND;
	enum store_result result = store_ttl(s, (struct str){ key, n }, &ms);
	stores()->answer.number = (double)ms / 1000;
	return result;
}

NEAP_API void neap_store_flush(uint32_t store)
{
	const struct store *s = store_at(store);
	if (s != NULL)
		store_flush(s);
}

NEAP_API uint32_t neap_store_count(uint32_t store, const char *key, size_t n, double by,
				   double seconds)
{
	const struct store *s = store_at(store);

	if (s == NULL)
		return STORE_NOT_FOUND;
	return store_count(s, (struct str){ key, n }, by, ms_of(seconds), &stores()->answer.number);
}

NEAP_API uint32_t neap_store_take(uint32_t store, const char *key, size_t n, double cost,
				  double interval_us, double tolerance_us)
{
	const struct store *s = store_at(store);
	const struct store_rate rate = { cost, interval_us, tolerance_us };
	struct store_taken taken = { 0, 0 };

	if (s == NULL)
		return STORE_NOT_FOUND;
	enum store_result result = store_take(s, (struct str){ key, n }, &rate, &taken);
	stores()->answer.number = taken.wait_us;
	stores()->answer.ahead_us = taken.ahead_us;
	return result;
}

NEAP_API void neap_store_list(uint32_t store)
{
	stores()->listed = store;
	stores()->cursor = (struct store_cursor){ 0, 0 };
}

NEAP_API uint32_t neap_store_listed(void)
{
	struct store *s = store_at(stores()->listed);
	struct str key;

	if (s == NULL || !store_next(s, &stores()->cursor, &key))
		return 0;
	leave_text(key);
	return 1;
}

NEAP_API uint32_t neap_count_store(uint32_t store, neap_store_counts *to)
{
	const struct store *s = store_at(store);
	struct store_stats stats;

	if (s == NULL)
		return 0;
	store_look(s, &stats);
	*to = (neap_store_counts){ (double)stats.bytes,	  (double)stats.used,
				   (double)stats.entries, (double)stats.evicted,
				   (double)stats.expired, (double)stats.hits,
				   (double)stats.misses };
	leave_text(str_of(stores()->conf[store].name));
	return 1;
}
