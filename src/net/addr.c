#include "net/addr.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"

enum { V4_BITS_BEFORE = 96, QUOTE_MAX = 100 };

/* ::ffff:0:0/96, RFC 4291 §2.5.5.2 */
static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF };

static bool is_v4_mapped(const uint8_t ip[16])
{
	return memcmp(ip, v4_prefix, sizeof(v4_prefix)) == 0;
}

static enum err addr_refuse(struct error *e, struct str text, const char *why)
{
	int n = text.n > QUOTE_MAX ? QUOTE_MAX : (int)text.n;

	return err_set(e, ERR_INVALID, "address \"%.*s\": %s", n, n > 0 ? text.p : "", why);
}

static void set_v4(struct addr *a, struct in_addr ip, uint16_t port)
{
	*a = (struct addr){ .len = sizeof(a->u.in) };
	a->u.in.sin_family = AF_INET;
	a->u.in.sin_addr = ip;
	a->u.in.sin_port = htons(port);
}

static void set_v6(struct addr *a, const struct in6_addr *ip, uint16_t port)
{
	*a = (struct addr){ .len = sizeof(a->u.in6) };
	a->u.in6.sin6_family = AF_INET6;
	a->u.in6.sin6_addr = *ip;
	a->u.in6.sin6_port = htons(port);
}

/* inet_pton takes four decimal numbers without leading zeros and nothing else, as we do. */
bool addr_of_ip(struct addr *a, struct str ip, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr v6;
	struct in_addr v4;

	if (ip.n == 0 || memchr(ip.p, '\0', ip.n) != NULL || !str_copy(text, sizeof(text), ip))
		return false;
	if (inet_pton(AF_INET, text, &v4) == 1)
		set_v4(a, v4, port);
	else if (inet_pton(AF_INET6, text, &v6) == 1)
		set_v6(a, &v6, port);
	else
		return false;
	return true;
}

static void set_any(struct addr *a, uint16_t port)
{
	int probe = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (probe < 0) {
		set_v4(a, (struct in_addr){ htonl(INADDR_ANY) }, port);
		return;
	}
	(void)close(probe);
	set_v6(a, &in6addr_any, port);
}

static enum err parse_unix(struct addr *a, struct str text, struct str path, struct error *e)
{
	struct sockaddr_un *un = &a->u.un;

	if (path.n == 0 || path.p[0] != '/')
		return addr_refuse(e, text, "the path of a unix socket must start with /");
	if (memchr(path.p, '\0', path.n) != NULL)
		return addr_refuse(e, text, "a zero byte in the path");
	if (path.n >= sizeof(un->sun_path))
		return addr_refuse(e, text, "the path is too long (107 bytes is the most)");
	*a = (struct addr){ 0 };
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path.p, path.n);
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1);
	return ERR_OK;
}

/* Cuts TEXT at its last colon; an IPv6 address must be in brackets, which are taken off. */
static const char *split_port(struct str text, struct str *host, struct str *port, bool *bracketed)
{
	const char *colon = text.n > 0 ? memrchr(text.p, ':', text.n) : NULL;

	*bracketed = false;
	if (colon == NULL || text.p[text.n - 1] == ']')
		return "the port is missing (as in 127.0.0.1:80)";
	*host = (struct str){ text.p, (size_t)(colon - text.p) };
	*port = (struct str){ colon + 1, text.n - host->n - 1 };
	if (host->n >= 2 && host->p[0] == '[' && host->p[host->n - 1] == ']') {
		*bracketed = true;
		host->p++;
		host->n -= 2;
	} else if (host->n > 0 && memchr(host->p, ':', host->n) != NULL) {
		return "an IPv6 address must be in brackets (as in [::1]:80)";
	}
	return NULL;
}

static const char *parse_host(struct addr *a, struct str host, bool bracketed, uint16_t port)
{
	struct addr found;

	if (!bracketed && (host.n == 0 || str_eq(host, STR("*")))) {
		set_any(a, port);
		return NULL;
	}
	if (!addr_of_ip(&found, host, port))
		return bracketed ? "no IPv6 address in the brackets"
				 : "not an IP address (names are not looked up here)";
	if (bracketed != (found.u.sa.sa_family == AF_INET6))
		return "only an IPv6 address goes in brackets";
	*a = found;
	return NULL;
}

enum err addr_parse(struct addr *a, struct str text, struct error *e)
{
	const char *why;
	struct str host, port;
	uint64_t number;
	bool bracketed;

	if (str_starts_with(text, STR("unix:")))
		return parse_unix(a, text, (struct str){ text.p + 5, text.n - 5 }, e);
	why = split_port(text, &host, &port, &bracketed);
	if (why != NULL)
		return addr_refuse(e, text, why);
	if (port.n > 5 || !num_parse_u64(port, UINT16_MAX, &number))
		return addr_refuse(e, text, "the port must be a number from 0 to 65535");
	why = parse_host(a, host, bracketed, (uint16_t)number);
	return why == NULL ? ERR_OK : addr_refuse(e, text, why);
}

static bool is_any(const struct addr *a)
{
	if (a->u.sa.sa_family == AF_INET)
		return a->u.in.sin_addr.s_addr == htonl(INADDR_ANY);
	return a->u.sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->u.in6.sin6_addr);
}

/* Any address of IPv6 covers those of IPv4, too: its sockets are dual stack. */
static bool covers(const struct addr *any, const struct addr *a)
{
	return is_any(any) && (any->u.sa.sa_family == AF_INET6 || a->u.sa.sa_family == AF_INET);
}

bool addr_overlaps(const struct addr *a, const struct addr *b)
{
	if (a->len == 0 || b->len == 0 || addr_is_unix(a) || addr_is_unix(b) ||
	    addr_port(a) != addr_port(b))
		return false;
	return addr_equal(a, b) || covers(a, b) || covers(b, a);
}

bool addr_is_unix(const struct addr *a)
{
	return a->len > 0 && a->u.sa.sa_family == AF_UNIX;
}

bool addr_is_loopback(const struct addr *a)
{
	if (a->len == 0)
		return false;
	if (a->u.sa.sa_family == AF_INET)
		return ntohl(a->u.in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return a->u.sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->u.in6.sin6_addr);
}

uint16_t addr_port(const struct addr *a)
{
	if (a->len == 0)
		return 0;
	if (a->u.sa.sa_family == AF_INET)
		return ntohs(a->u.in.sin_port);
	return a->u.sa.sa_family == AF_INET6 ? ntohs(a->u.in6.sin6_port) : 0;
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (a->len == 0)
		return;
	if (a->u.sa.sa_family == AF_INET)
		a->u.in.sin_port = htons(port);
	else if (a->u.sa.sa_family == AF_INET6)
		a->u.in6.sin6_port = htons(port);
}

/* The path, or for a socket without one "" (an accepted peer) or "@name" (abstract). */
static struct str unix_path(const struct addr *a)
{
	size_t n = a->len;

	if (n <= offsetof(struct sockaddr_un, sun_path))
		return (struct str){ "", 0 };
	n -= offsetof(struct sockaddr_un, sun_path);
	if (a->u.un.sun_path[0] != '\0')
		n = strnlen(a->u.un.sun_path, n); /* the kernel may count the zero or not */
	return (struct str){ a->u.un.sun_path, n };
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->len == 0 || b->len == 0)
		return a->len == b->len;
	if (a->u.sa.sa_family != b->u.sa.sa_family || addr_port(a) != addr_port(b))
		return false;
	switch (a->u.sa.sa_family) {
	case AF_INET:
		return a->u.in.sin_addr.s_addr == b->u.in.sin_addr.s_addr;
	case AF_INET6:
		return memcmp(&a->u.in6.sin6_addr, &b->u.in6.sin6_addr, 16) == 0 &&
		       a->u.in6.sin6_scope_id == b->u.in6.sin6_scope_id;
	case AF_UNIX:
		return str_eq(unix_path(a), unix_path(b));
	default:
		return false;
	}
}

size_t addr_print(const struct addr *a, char to[ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN] = "";
	int n = 0;

	to[0] = '\0';
	if (addr_is_unix(a)) {
		struct str path = unix_path(a);
		bool abstract = path.n > 0 && path.p[0] == '\0';

		n = snprintf(to, ADDR_TEXT_MAX, "unix:%s%.*s", abstract ? "@" : "",
			     (int)path.n - abstract, path.p + abstract);
	} else if (a->len > 0 && a->u.sa.sa_family == AF_INET) {
		(void)inet_ntop(AF_INET, &a->u.in.sin_addr, ip, sizeof(ip)); /* large enough */
		n = snprintf(to, ADDR_TEXT_MAX, "%s:%u", ip, addr_port(a));
	} else if (a->len > 0 && a->u.sa.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &a->u.in6.sin6_addr, ip, sizeof(ip));
		n = snprintf(to, ADDR_TEXT_MAX, "[%s]:%u", ip, addr_port(a));
	}
	return n > 0 ? (size_t)n : 0;
}

void peer_of_addr(struct peer *p, const struct addr *a)
{
	*p = (struct peer){ .family = AF_UNIX };
	if (a->len == 0)
		return;
	if (a->u.sa.sa_family == AF_INET) {
		p->family = AF_INET;
		memcpy(p->ip, v4_prefix, sizeof(v4_prefix));
		memcpy(p->ip + sizeof(v4_prefix), &a->u.in.sin_addr, 4);
	} else if (a->u.sa.sa_family == AF_INET6) {
		memcpy(p->ip, &a->u.in6.sin6_addr, 16);
		/* An IPv4 client of a dual-stack socket. */
		p->family = is_v4_mapped(p->ip) ? AF_INET : AF_INET6;
	}
	p->port = addr_port(a);
}

/* Written by hand: inet_ntop goes through printf, and each request prints one. */
static size_t print_ipv4(const uint8_t ip[4], char *to)
{
	size_t n = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned v = ip[i];

		if (v >= 100)
			to[n++] = (char)('0' + v / 100);
		if (v >= 10)
			to[n++] = (char)('0' + v / 10 % 10);
		to[n++] = (char)('0' + v % 10);
		to[n++] = i < 3 ? '.' : '\0';
	}
	return n - 1;
}

size_t peer_print_ip(const struct peer *p, char to[INET6_ADDRSTRLEN])
{
	to[0] = '\0';
	if (p->family == AF_INET)
		return print_ipv4(p->ip + sizeof(v4_prefix), to);
	if (p->family == AF_UNIX)
		return 0;
	(void)inet_ntop(p->family, p->ip, to, INET6_ADDRSTRLEN); /* large enough */
	return strlen(to);
}

/* The bits after the prefix mean nothing. They are cleared so that equal ranges are equal bytes. */
static void clear_after_prefix(struct cidr *c)
{
	for (unsigned i = 0; i < sizeof(c->ip); i++) {
		unsigned kept = c->bits > 8 * i ? c->bits - 8 * i : 0;

		if (kept < 8)
			c->ip[i] &= (uint8_t)(0xFF00 >> kept);
	}
}

enum err cidr_parse(struct cidr *c, struct str text, struct error *e)
{
	struct str rest = text, ip, length;
	struct addr a;
	struct peer p;

	if (str_eq(text, STR("unix"))) {
		*c = (struct cidr){ .is_unix = true };
		return ERR_OK;
	}
	if (!str_split(&rest, '/', &ip) || !addr_of_ip(&a, ip, 0))
		return addr_refuse(e, text, "not an IP address or a range (as in 10.0.0.0/8)");
	peer_of_addr(&p, &a);
	unsigned before = a.u.sa.sa_family == AF_INET ? V4_BITS_BEFORE : 0;
	uint64_t bits = 128 - before;
	if (rest.p != NULL) {
		length = rest;
		if (length.n > 3 || !num_parse_u64(length, 128 - before, &bits))
			return addr_refuse(e, text,
					   "the prefix length must be a number up to 32 "
					   "(IPv4) or 128 (IPv6)");
	}
	*c = (struct cidr){ .bits = (uint8_t)(bits + before) };
	memcpy(c->ip, p.ip, sizeof(c->ip));
	clear_after_prefix(c);
	return ERR_OK;
}

bool cidr_contains(const struct cidr *c, const struct peer *p)
{
	unsigned bytes = c->bits / 8, bits = c->bits % 8;

	if (c->is_unix || p->family == AF_UNIX)
		return c->is_unix && p->family == AF_UNIX;
	/* An IPv6 range that happens to contain ::ffff:0:0/96 (such as ::/0) does not mean IPv4. */
	if (p->family == AF_INET && c->bits < V4_BITS_BEFORE)
		return false;
	if (memcmp(c->ip, p->ip, bytes) != 0)
		return false;
	return bits == 0 || ((c->ip[bytes] ^ p->ip[bytes]) & (uint8_t)(0xFF00 >> bits)) == 0;
}
