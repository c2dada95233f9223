/* What Lua asks of neap.concurrency. */
#include "script/abi_concurrency.h"

#include "script/limit_key.h"
#include "script/policies.h"

static struct str key_for(const neap_concurrency *c, const neap_request *r, struct str key,
			  char to[HOLD_KEY_MAX])
{
	return key.p == NULL ? limit_key_of_client(c->id, r, to, HOLD_KEY_MAX)
			     : limit_key_of(c->id, key, to, HOLD_KEY_MAX);
}

/* The two requests of a hedge are one in there. */
static void **holds_of(neap_request *r)
{
	return r->holder != NULL ? &r->holder->holds : &r->holds;
}

NEAP_API uint32_t neap_concurrency_enter(uint32_t store, const neap_concurrency *c, neap_request *r,
					 const char *key, size_t n)
{
	char to[HOLD_KEY_MAX];
	struct policies *p = policies_current();
	struct store *s = stores_at(&p->stores, store);
	struct str of = key_for(c, r, (struct str){ key, n }, to);

	if (unlikely(s == NULL || of.p == NULL))
		return STORE_NOT_FOUND;
	return holds_enter(&p->holds, holds_of(r), s, of, c->limit);
}

NEAP_API uint32_t neap_concurrency_leave(uint32_t store, const neap_concurrency *c, neap_request *r,
					 const char *key, size_t n)
{
	char to[HOLD_KEY_MAX];
	const struct store *s = stores_at(&policies_current()->stores, store);
	struct str of = key_for(c, r, (struct str){ key, n }, to);

	if (s == NULL || of.p == NULL)
		return STORE_NOT_FOUND;
	return holds_leave(holds_of(r), s, of);
}

NEAP_API uint32_t neap_concurrency_inside(uint32_t store, const neap_concurrency *c,
					  const neap_request *r, const char *key, size_t n)
{
	char to[HOLD_KEY_MAX];
	struct stores *all = &policies_current()->stores;
	const struct store *s = stores_at(all, store);
	struct str of = key_for(c, r, (struct str){ key, n }, to);
	uint32_t inside = 0;

	all->answer.number = 0;
	if (s == NULL || of.p == NULL)
		return STORE_NOT_FOUND;
	enum store_result result = store_inside(s, of, &inside);
	all->answer.number = inside;
	return result;
}
