/*
 * Addresses: parse, print, compare; IPv4, IPv6, unix sockets; CIDR ranges. Never resolves names.
 */
#ifndef NEAP_NET_ADDR_H
#define NEAP_NET_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/str.h"

struct addr {
	socklen_t len; /* 0: none */
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	} u;
};

/*
 * A peer's address, kept small: each client connection has one. IPv4 is stored as ::ffff:a.b.c.d.
 */
struct peer {
	uint8_t ip[16];
	uint16_t port;	/* host order */
	uint8_t family; /* AF_INET, AF_INET6, AF_UNIX */
};

#define ADDR_TEXT_MAX 128 /* room for any printed address with its zero */

/*
 * Reads "host:port" with a literal IPv4, "[v6]:port", "unix:/path", or ":port" and "*:port" for any
 * address (IPv6 dual stack where the machine has it, else IPv4). A name is an error that says so.
 * Port 0 is allowed.
 */
enum err addr_parse(struct addr *a, struct str text, struct error *e);

/* From a literal IP without brackets and a port; false when it is no literal. */
bool addr_of_ip(struct addr *a, struct str ip, uint16_t port);

/* Family, address and port are the same; of unix sockets the path. */
bool addr_equal(const struct addr *a, const struct addr *b);

/*
 * Could a socket on either of them get the same connection? Equal addresses overlap, and ":80"
 * overlaps "127.0.0.1:80". False for unix sockets.
 */
bool addr_overlaps(const struct addr *a, const struct addr *b);
uint16_t addr_port(const struct addr *a); /* 0 for unix */
void addr_set_port(struct addr *a, uint16_t port);
bool addr_is_unix(const struct addr *a);
bool addr_is_loopback(const struct addr *a); /* 127.0.0.0/8 or ::1 */

/* "127.0.0.1:80", "[::1]:80", "unix:/path" with a terminating zero; returns the length. */
size_t addr_print(const struct addr *a, char to[ADDR_TEXT_MAX]);

/* An IPv4 address that is mapped into IPv6 becomes one of IPv4. */
void peer_of_addr(struct peer *p, const struct addr *a);

/* The IP alone, "192.0.2.1" or "2001:db8::1"; "" for unix. Returns the length. */
size_t peer_print_ip(const struct peer *p, char to[INET6_ADDRSTRLEN]);

/* "10.0.0.0/8", "2001:db8::/32", or one address, or "unix" for all unix peers. */
struct cidr {
	uint8_t ip[16];
	uint8_t bits;
	bool is_unix;
};
enum err cidr_parse(struct cidr *c, struct str text, struct error *e);
bool cidr_contains(const struct cidr *c, const struct peer *p);

#endif
