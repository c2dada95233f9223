/* What Lua asks of limits. */
#include "script/abi_limit.h"

#include "script/limit_key.h"
#include "script/policies.h"
#include "shm/store_lease.h"

enum { KEY_MAX = 256 };

static uint32_t take(uint32_t store, const neap_limit *l, struct str key, double cost)
{
	const struct store *s = stores_at(&policies_current()->stores, store);
	const struct store_rate rate = { cost, l->interval_us, l->tolerance_us };
	struct store_taken taken = { 0, 0 };

	if (unlikely(s == NULL || key.p == NULL))
		return STORE_NOT_FOUND;
	enum store_result result = store_lease_balancers(s) == 0
					   ? store_take(s, key, &rate, &taken)
					   : store_lease_take(s, key, &rate, &taken);
	neap_store_answer *answer = &policies_current()->stores.answer;
	answer->number = taken.wait_us;
	answer->ahead_us = taken.ahead_us;
	return result;
}

NEAP_API uint32_t neap_limit_take(uint32_t store, const neap_limit *l, const char *key, size_t n,
				  double cost)
{
	char to[KEY_MAX];
	return take(store, l, limit_key_of(l->id, (struct str){ key, n }, to, sizeof to), cost);
}

NEAP_API uint32_t neap_limit_take_client(uint32_t store, const neap_limit *l, const neap_request *r,
					 double cost)
{
	char to[KEY_MAX];
	return take(store, l, limit_key_of_client(l->id, r, to, sizeof to), cost);
}

static uint32_t look(uint32_t store, struct str key)
{
	const struct store *s = stores_at(&policies_current()->stores, store);
	neap_store_answer *answer = &policies_current()->stores.answer;

	if (s == NULL || key.p == NULL)
		return STORE_NOT_FOUND;
	answer->number = 0;
	return store_ahead(s, key, &answer->ahead_us);
}

NEAP_API uint32_t neap_limit_look(uint32_t store, const neap_limit *l, const char *key, size_t n)
{
	char to[KEY_MAX];
	return look(store, limit_key_of(l->id, (struct str){ key, n }, to, sizeof to));
}

NEAP_API uint32_t neap_limit_look_client(uint32_t store, const neap_limit *l, const neap_request *r)
{
	char to[KEY_MAX];
	return look(store, limit_key_of_client(l->id, r, to, sizeof to));
}
