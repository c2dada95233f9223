#include "script/limit_key.h"

#include <string.h>
#include <sys/socket.h>

#include "crypto/sha256.h"

enum { ID_BYTES = 8, PREFIX_BYTES = 8, MAPPED_BYTES = 12, OF_CLIENT = 1 };

static struct str key_of(const uint32_t id[2], uint32_t kind, struct str key, char *to, size_t size)
{
	const uint32_t own[2] = { id[0], id[1] ^ kind };

	memcpy(to, own, ID_BYTES);
	if (likely(key.n <= size - ID_BYTES)) {
		if (key.n > 0)
			memcpy(to + ID_BYTES, key.p, key.n);
		return (struct str){ to, ID_BYTES + key.n };
	}
	sha256_hmac(own, ID_BYTES, key.p, key.n, (uint8_t *)to + ID_BYTES);
	return (struct str){ to, ID_BYTES + SHA256_BYTES };
}

struct str limit_key_of(const uint32_t id[2], struct str key, char *to, size_t size)
{
	return key_of(id, 0, key, to, size);
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

struct str limit_key_of_client(const uint32_t id[2], const neap_request *r, char *to, size_t size)
{
	struct str client = client_of(r);

	return client.n == 0 ? (struct str){ NULL, 0 } : key_of(id, OF_CLIENT, client, to, size);
}
