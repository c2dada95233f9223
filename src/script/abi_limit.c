/* What Lua asks of limits. */
#include "script/abi_limit.h"

#include <string.h>
#include <sys/socket.h>

#include "crypto/sha256.h"
#include "script/policies.h"
#include "shm/store_rate.h"

enum { ID_BYTES = 8, KEY_MAX = 256, PREFIX_BYTES = 8, MAPPED_BYTES = 12 };

/* NULL: there is none of that number, which no runtime of ours asks for. */
static struct store *store_at(uint32_t store)
{
	struct stores *all = &policies_current()->stores;
	return store < all->n ? all->rows[store] : NULL;
}

/* Clients choose keys: a long one is kept as its digest, so that none is too long to be limited. */
static struct str key_of(const neap_limit *l, uint32_t kind, struct str key, char to[KEY_MAX])
{
	uint32_t id[2] = { l->id[0], l->id[1] ^ kind };

	memcpy(to, id, ID_BYTES);
	if (likely(key.n <= KEY_MAX - ID_BYTES)) {
		if (key.n > 0)
			memcpy(to + ID_BYTES, key.p, key.n);
		return (struct str){ to, ID_BYTES + key.n };
	}
	sha256_hmac(id, ID_BYTES, key.p, key.n, (uint8_t *)to + ID_BYTES);
	return (struct str){ to, ID_BYTES + SHA256_BYTES };
}

static uint32_t take(uint32_t store, const neap_limit *l, struct str key, double cost)
{
	const struct store *s = store_at(store);
	const struct store_rate rate = { cost, l->interval_us, l->tolerance_us };
	struct store_taken taken = { 0, 0 };

	if (unlikely(s == NULL))
		return STORE_NOT_FOUND;
	enum store_result result = store_take(s, key, &rate, &taken);
	neap_store_answer *answer = &policies_current()->stores.answer;
	answer->number = taken.wait_us;
	answer->ahead_us = taken.ahead_us;
	return result;
}

NEAP_API uint32_t neap_limit_take(uint32_t store, const neap_limit *l, const char *key, size_t n,
				  double cost)
{
	char to[KEY_MAX];
	return take(store, l, key_of(l, 0, (struct str){ key, n }, to), cost);
}

/* What counts as one client. A network gives each of its users a /64 (RFC 6177, RFC 7934). */
static struct str client_of(const neap_request *r)
{
	static const uint8_t mapped[MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };
	const char *ip = (const char *)r->ip;

	if (r->ip_family == AF_INET || memcmp(r->ip, mapped, MAPPED_BYTES) == 0)
		return (struct str){ ip + MAPPED_BYTES, sizeof r->ip - MAPPED_BYTES };
	return (struct str){ ip, r->ip_family == AF_INET6 ? PREFIX_BYTES : 0 };
}

NEAP_API uint32_t neap_limit_take_client(uint32_t store, const neap_limit *l, const neap_request *r,
					 double cost)
{
	struct str client = client_of(r);
	char to[KEY_MAX];

	if (client.n == 0)
		return STORE_NOT_FOUND;
	return take(store, l, key_of(l, 1, client, to), cost);
}

static uint32_t look(uint32_t store, struct str key)
{
	const struct store *s = store_at(store);
	neap_store_answer *answer = &policies_current()->stores.answer;

	if (s == NULL)
		return STORE_NOT_FOUND;
	answer->number = 0;
	return store_ahead(s, key, &answer->ahead_us);
}

NEAP_API uint32_t neap_limit_look(uint32_t store, const neap_limit *l, const char *key, size_t n)
{
	char to[KEY_MAX];
	return look(store, key_of(l, 0, (struct str){ key, n }, to));
}

NEAP_API uint32_t neap_limit_look_client(uint32_t store, const neap_limit *l, const neap_request *r)
{
	struct str client = client_of(r);
	char to[KEY_MAX];
	return client.n == 0 ? STORE_NOT_FOUND : look(store, key_of(l, 1, client, to));
}
