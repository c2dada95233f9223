#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "net/crc32c.h"

static const char v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

enum { V2_FIXED = 16, V2_IPV4 = 12, V2_IPV6 = 36, V2_UNIX = 216 };

static enum proxy_header_result refuse_header(struct proxy_header *h, const char *reason)
{
	h->reason = reason;
	return PROXY_HEADER_BAD;
}

/* ---- version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n" ---- */

static bool next_word(struct str *rest, struct str *word)
{
	return str_split(rest, ' ', word) && word->n > 0;
}

static bool parse_port(struct str s, uint64_t *port)
{
	bool has_leading_zero = s.n > 1 && s.p[0] == '0';
	return !has_leading_zero && num_parse_u64(s, 65535, port);
}

static bool is_family(const struct addr *a, bool is_v6)
{
	return a->u.sa.sa_family == (is_v6 ? AF_INET6 : AF_INET);
}

static enum proxy_header_result parse_v1_addresses(struct proxy_header *h, struct str rest,
						   bool is_v6)
{
	struct str source, destination, source_port, destination_port;
	uint64_t from = 0, to = 0;
	struct addr a, b;

	if (!next_word(&rest, &source) || !next_word(&rest, &destination) ||
	    !next_word(&rest, &source_port) || !next_word(&rest, &destination_port) ||
	    rest.p != NULL)
		return refuse_header(h, "malformed PROXY line");
	if (!parse_port(source_port, &from) || !parse_port(destination_port, &to))
		return refuse_header(h, "invalid port in the PROXY line");
	if (!addr_of_ip(&a, source, (uint16_t)from) || !addr_of_ip(&b, destination, (uint16_t)to) ||
	    !is_family(&a, is_v6) || !is_family(&b, is_v6))
		return refuse_header(h, "invalid address in the PROXY line");
	peer_of_addr(&h->source, &a);
	h->has_source = true;
	return PROXY_HEADER_DONE;
}

static enum proxy_header_result parse_v1_line(struct proxy_header *h, struct str line)
{
	struct str rest = { line.p + 6, line.n - 6 }; /* after "PROXY " */
	struct str family;

	if (!next_word(&rest, &family))
		return refuse_header(h, "malformed PROXY line");
	if (str_eq(family, STR("UNKNOWN")))
		return PROXY_HEADER_DONE; /* what follows is to be ignored */
	if (str_eq(family, STR("TCP4")))
		return parse_v1_addresses(h, rest, false);
	if (str_eq(family, STR("TCP6")))
		return parse_v1_addresses(h, rest, true);
	return refuse_header(h, "unknown family in the PROXY line");
}

static enum proxy_header_result parse_v1(struct proxy_header *h, const char *p, size_t n)
{
	size_t look = n < PROXY_HEADER_V1_MAX ? n : PROXY_HEADER_V1_MAX;
	const char *end = memchr(p, '\n', look);

	if (end == NULL)
		return n < PROXY_HEADER_V1_MAX ? PROXY_HEADER_MORE
					       : refuse_header(h, "the PROXY line is too long");
	if (end == p || end[-1] != '\r')
		return refuse_header(h, "the PROXY line does not end with CRLF");
	h->bytes = (size_t)(end - p) + 1;
	return parse_v1_line(h, (struct str){ p, h->bytes - 2 });
}

/* ---- version 2: a signature, four bytes, addresses, TLVs ---- */

static uint16_t read_u16(const char *p)
{
	return (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

static void set_source(struct proxy_header *h, const void *ip, bool is_v6, uint16_t port)
{
	struct addr a = { 0 };

	if (is_v6) {
		a.u.in6.sin6_family = AF_INET6;
		memcpy(&a.u.in6.sin6_addr, ip, 16);
		a.len = sizeof(a.u.in6);
	} else {
		a.u.in.sin_family = AF_INET;
		memcpy(&a.u.in.sin_addr, ip, 4);
		a.len = sizeof(a.u.in);
	}
	addr_set_port(&a, port);
	peer_of_addr(&h->source, &a);
	h->has_source = true;
}

static uint32_t read_u32(const char *p)
{
	return (uint32_t)read_u16(p) << 16 | read_u16(p + 2);
}

/* §2.2.3: the checksum is that of the whole header with zeros in its own place. */
static bool has_good_checksum(const struct proxy_header *h, const char *p)
{
	const char *own = h->tlv.checksum.p;
	if (own == NULL)
		return true;
	size_t before = (size_t)(own - p), after = before + h->tlv.checksum.n;
	uint32_t crc = crc32c(0, p, before);
	crc = crc32c(crc, "\0\0\0\0", h->tlv.checksum.n);
	return crc32c(crc, p + after, h->bytes - after) == read_u32(own);
}

static enum proxy_header_result parse_v2_tlvs(struct proxy_header *h, const char *p, size_t n)
{
	const char *reason = proxy_tlv_parse(&h->tlv, p, n);
	return reason == NULL ? PROXY_HEADER_DONE : refuse_header(h, reason);
}

/* The family's half of the byte says which addresses; the protocol's half must be STREAM, or fit. */
static enum proxy_header_result parse_v2_addresses(struct proxy_header *h, const char *p, size_t n,
						   uint8_t kind)
{
	if (h->is_datagram && (kind & 0x0f) == 2)
		kind--;
	switch (kind) {
	case 0x00: /* UNSPEC */
		return parse_v2_tlvs(h, p, n);
	case 0x11:
		if (n < V2_IPV4)
			return refuse_header(h, "the PROXY header is too short for IPv4");
		set_source(h, p, false, read_u16(p + 8));
		return parse_v2_tlvs(h, p + V2_IPV4, n - V2_IPV4);
	case 0x21:
		if (n < V2_IPV6)
			return refuse_header(h, "the PROXY header is too short for IPv6");
		set_source(h, p, true, read_u16(p + 32));
		return parse_v2_tlvs(h, p + V2_IPV6, n - V2_IPV6);
	case 0x31:
		if (n < V2_UNIX)
			return refuse_header(h, "the PROXY header is too short for unix addresses");
		h->source = (struct peer){ .family = AF_UNIX };
		h->has_source = true;
		return parse_v2_tlvs(h, p + V2_UNIX, n - V2_UNIX);
	default:
		return refuse_header(h, "unknown protocol in the PROXY header");
	}
}

static enum proxy_header_result parse_v2(struct proxy_header *h, const char *p, size_t n)
{
	if (n < V2_FIXED)
		return PROXY_HEADER_MORE;
	uint8_t command = (uint8_t)p[12];
	size_t length = read_u16(p + 14);
	if (command != 0x20 && command != 0x21)
		return refuse_header(h, "unknown version or command in the PROXY header");
	if (V2_FIXED + length > PROXY_HEADER_V2_MAX)
		return refuse_header(h, "the PROXY header is too long");
	if (n < V2_FIXED + length)
		return PROXY_HEADER_MORE;
	h->bytes = V2_FIXED + length;
	if (command == 0x20)
		return PROXY_HEADER_DONE; /* LOCAL: the other balancer's own check */
	enum proxy_header_result r = parse_v2_addresses(h, p + V2_FIXED, length, (uint8_t)p[13]);
	if (r == PROXY_HEADER_DONE && !has_good_checksum(h, p))
		return refuse_header(h, "wrong checksum (CRC32C) in the PROXY header");
	return r;
}

static bool begins(const char *p, size_t n, const char *mark, size_t mark_n)
{
	return memcmp(p, mark, n < mark_n ? n : mark_n) == 0;
}

enum proxy_header_result proxy_header_parse(struct proxy_header *h, const char *p, size_t n)
{
	*h = (struct proxy_header){ 0 };
	if (n == 0)
		return PROXY_HEADER_MORE;
	if (begins(p, n, "PROXY ", 6))
		return n < 6 ? PROXY_HEADER_MORE : parse_v1(h, p, n);
	if (begins(p, n, v2_signature, sizeof(v2_signature)))
		return n < sizeof(v2_signature) ? PROXY_HEADER_MORE : parse_v2(h, p, n);
	return refuse_header(h, "no PROXY header");
}

enum proxy_header_result proxy_header_parse_datagram(struct proxy_header *h, const char *p,
						     size_t n)
{
	*h = (struct proxy_header){ .is_datagram = true };
	if (n < V2_FIXED || !begins(p, n, v2_signature, sizeof(v2_signature)))
		return refuse_header(h, "no PROXY header of version 2");
	enum proxy_header_result r = parse_v2(h, p, n);
	return r == PROXY_HEADER_MORE ? refuse_header(h, "the PROXY header is cut off") : r;
}

/* ---- writing ---- */

static bool is_ip(const struct peer *p)
{
	return p->family == AF_INET || p->family == AF_INET6;
}

/* A header has both addresses in one family: IPv4 beside IPv6 is written as mapped. */
static bool needs_v6(const struct peer *source, const struct peer *destination)
{
	return source->family == AF_INET6 || destination->family == AF_INET6;
}

static void print_ip(const struct peer *p, bool as_v6, char to[INET6_ADDRSTRLEN])
{
	static const uint8_t zeros[16];
	const uint8_t *ip = is_ip(p) ? p->ip : zeros;

	(void)inet_ntop(as_v6 ? AF_INET6 : AF_INET, as_v6 ? ip : ip + 12, to,
			INET6_ADDRSTRLEN); /* it has room for any */
}

static size_t write_v1(char *to, const struct peer *source, const struct peer *destination)
{
	char from[INET6_ADDRSTRLEN], at[INET6_ADDRSTRLEN];
	bool as_v6 = needs_v6(source, destination);

	print_ip(source, as_v6, from);
	print_ip(destination, as_v6, at);
	int n = snprintf(to, PROXY_HEADER_V1_MAX + 1, "PROXY %s %s %s %u %u\r\n",
			 as_v6 ? "TCP6" : "TCP4", from, at, source->port,
			 is_ip(destination) ? destination->port : 0U);
	return (size_t)n;
}

static void write_u16(char *to, unsigned value)
{
	to[0] = (char)(uint8_t)(value >> 8);
	to[1] = (char)(uint8_t)value;
}

static void write_ip(char *to, const struct peer *p, bool as_v6)
{
	size_t n = as_v6 ? 16 : 4;

	if (is_ip(p))
		memcpy(to, p->ip + 16 - n, n);
	else
		memset(to, 0, n);
}

static size_t write_v2(char *to, const struct peer *source, const struct peer *destination)
{
	bool as_v6 = needs_v6(source, destination);
	size_t ip = as_v6 ? 16 : 4, length = 2 * ip + 4;

	memcpy(to, v2_signature, sizeof(v2_signature));
	to[12] = 0x21;
	to[13] = as_v6 ? 0x21 : 0x11;
	write_u16(to + 14, (unsigned)length);
	write_ip(to + V2_FIXED, source, as_v6);
	write_ip(to + V2_FIXED + ip, destination, as_v6);
	write_u16(to + V2_FIXED + 2 * ip, source->port);
	write_u16(to + V2_FIXED + 2 * ip + 2, is_ip(destination) ? destination->port : 0);
	return V2_FIXED + length;
}

static size_t write_unknown(char *to, unsigned version)
{
	static const char v1[] = "PROXY UNKNOWN\r\n";

	if (version == 1) {
		memcpy(to, v1, sizeof(v1) - 1);
		return sizeof(v1) - 1;
	}
	memcpy(to, v2_signature, sizeof(v2_signature));
	memcpy(to + sizeof(v2_signature), "\x21\0\0\0", 4);
	return V2_FIXED;
}

static size_t add_tlvs(char *header, size_t n, const struct client_tls *tls)
{
	n += proxy_tlv_write(header + n, tls);
	write_u16(header + 14, (unsigned)(n - V2_FIXED));
	return n;
}

size_t proxy_header_write(char to[PROXY_HEADER_WRITE_MAX], unsigned version,
			  const struct peer *source, const struct peer *destination,
			  const struct client_tls *tls)
{
	size_t n;
	if (!is_ip(source))
		n = write_unknown(to, version);
	else if (version == 1)
		n = write_v1(to, source, destination);
	else
		n = write_v2(to, source, destination);
	return version == 2 && tls != NULL ? add_tlvs(to, n, tls) : n;
}

size_t proxy_header_write_datagram(char to[PROXY_HEADER_WRITE_MAX], const struct peer *source,
				   const struct peer *destination)
{
	size_t n = proxy_header_write(to, 2, source, destination, NULL);
	if (is_ip(source))
		to[13] = (char)(to[13] + 1); /* STREAM to DGRAM */
	return n;
}
