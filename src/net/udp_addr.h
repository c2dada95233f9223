/*
 * The address and port of one end of a flow of datagrams, kept small: there are very many. IPv4 or
 * IPv6, never unix.
 */
#ifndef NEAP_NET_UDP_ADDR_H
#define NEAP_NET_UDP_ADDR_H

#include "net/addr.h"

struct udp_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} u;
};

/* An address on our side that a datagram was sent to, and that answers leave from. */
struct udp_local {
	uint8_t ip[16]; /* as the socket's family has it, an IPv4 address in the first four */
	uint32_t link;	/* the interface of a link-local address; else 0 */
	uint8_t family; /* 0: not known */
};

/* false: it is of another family. */
bool udp_addr_of(struct udp_addr *to, const struct addr *from);
void udp_addr_widen(struct addr *to, const struct udp_addr *from);
void udp_addr_peer(struct peer *to, const struct udp_addr *from);
/* false: a peer that has no IP address. */
bool udp_addr_of_peer(struct udp_addr *to, const struct peer *from);
void udp_local_peer(struct peer *to, const struct udp_local *from, uint16_t port);
socklen_t udp_addr_len(const struct udp_addr *a);
uint16_t udp_addr_port(const struct udp_addr *a);
bool udp_addr_equal(const struct udp_addr *a, const struct udp_addr *b);

/* With a seed that nobody outside knows, so that nobody chooses addresses that collide. */
uint64_t udp_addr_hash(const struct udp_addr *a, uint64_t seed);

/* Likewise, of the first bits of its IP address only. */
uint64_t udp_addr_hash_net(const struct udp_addr *a, unsigned bits_v4, unsigned bits_v6,
			   uint64_t seed);

/*
 * Its IP address, to send from by a socket of that family. false: it is of another one. An IPv4 address
 * that is mapped into IPv6 is one of IPv4.
 */
bool udp_local_of(struct udp_local *to, const struct udp_addr *from, sa_family_t family);

bool udp_local_equal(const struct udp_local *a, const struct udp_local *b);

#endif
