#include "net/udp_addr.h"

#include <string.h>

#include "base/dice.h"

bool udp_addr_of(struct udp_addr *to, const struct addr *from)
{
	memset(to, 0, sizeof(*to));
	if (from->u.sa.sa_family == AF_INET)
		to->u.in = from->u.in;
	else if (from->u.sa.sa_family == AF_INET6)
		to->u.in6 = from->u.in6;
	else
		return false;
	return true;
}

void udp_addr_widen(struct addr *to, const struct udp_addr *from)
{
	*to = (struct addr){ .len = udp_addr_len(from) };
	memcpy(&to->u, &from->u, to->len);
}

void udp_addr_peer(struct peer *to, const struct udp_addr *from)
{
	struct addr wide;
	udp_addr_widen(&wide, from);
	peer_of_addr(to, &wide);
}

bool udp_addr_of_peer(struct udp_addr *to, const struct peer *from)
{
	memset(to, 0, sizeof(*to));
	if (from->family != AF_INET && from->family != AF_INET6)
		return false;
	to->u.sa.sa_family = from->family;
	if (from->family == AF_INET) {
		memcpy(&to->u.in.sin_addr, from->ip + 12, 4);
		to->u.in.sin_port = htons(from->port);
	} else {
		memcpy(&to->u.in6.sin6_addr, from->ip, 16);
		to->u.in6.sin6_port = htons(from->port);
	}
	return true;
}

void udp_local_peer(struct peer *to, const struct udp_local *from, uint16_t port)
{
	struct udp_addr at = { .u.sa.sa_family = from->family };
	if (from->family == AF_INET) {
		memcpy(&at.u.in.sin_addr, from->ip, 4);
		at.u.in.sin_port = htons(port);
	} else {
		memcpy(&at.u.in6.sin6_addr, from->ip, 16);
		at.u.in6.sin6_port = htons(port);
	}
	udp_addr_peer(to, &at);
	if (from->family == 0)
		*to = (struct peer){ .port = port };
}

bool udp_local_of(struct udp_local *to, const struct udp_addr *from, sa_family_t family)
{
	struct peer peer;
	udp_addr_peer(&peer, from);
	*to = (struct udp_local){ .family = (uint8_t)peer.family };
	if (peer.family == AF_INET)
		memcpy(to->ip, peer.ip + 12, 4);
	else
		memcpy(to->ip, peer.ip, 16);
	return peer.family == family;
}

socklen_t udp_addr_len(const struct udp_addr *a)
{
	return a->u.sa.sa_family == AF_INET ? sizeof(a->u.in) : sizeof(a->u.in6);
}

uint16_t udp_addr_port(const struct udp_addr *a)
{
	return ntohs(a->u.sa.sa_family == AF_INET ? a->u.in.sin_port : a->u.in6.sin6_port);
}

bool udp_addr_equal(const struct udp_addr *a, const struct udp_addr *b)
{
	if (a->u.sa.sa_family != b->u.sa.sa_family)
		return false;
	if (a->u.sa.sa_family == AF_INET)
		return a->u.in.sin_port == b->u.in.sin_port &&
		       a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
	return a->u.in6.sin6_port == b->u.in6.sin6_port &&
	       a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id &&
	       memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 16) == 0;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
	return dice_spread(h ^ word) * 0x9e3779b97f4a7c15u;
}

uint64_t udp_addr_hash(const struct udp_addr *a, uint64_t seed)
{
	uint64_t words[2];
	if (a->u.sa.sa_family == AF_INET) {
		words[0] = a->u.in.sin_addr.s_addr | (uint64_t)a->u.in.sin_port << 32;
		return dice_spread(mix(seed, words[0]));
	}
	memcpy(words, &a->u.in6.sin6_addr, sizeof(words));
	return dice_spread(mix(mix(mix(seed, words[0]), words[1]), a->u.in6.sin6_port));
}

/* The first bits of eight bytes in network order. */
static uint64_t first_bits(const uint8_t *bytes, unsigned bits)
{
	uint64_t word = 0;
	for (unsigned i = 0; i < 8; i++)
		word = word << 8 | bytes[i];
	return bits == 0 ? 0 : bits >= 64 ? word : word & ~(UINT64_MAX >> bits);
}

uint64_t udp_addr_hash_net(const struct udp_addr *a, unsigned bits_v4, unsigned bits_v6,
			   uint64_t seed)
{
	struct peer p;
	udp_addr_peer(&p, a);
	unsigned bits = p.family == AF_INET ? 96 + bits_v4 : bits_v6;
	uint64_t high = first_bits(p.ip, bits);
	uint64_t low = first_bits(p.ip + 8, bits > 64 ? bits - 64 : 0);
	return dice_spread(mix(mix(seed, high), low));
}

bool udp_local_equal(const struct udp_local *a, const struct udp_local *b)
{
	return a->family == b->family && a->link == b->link &&
	       memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}
