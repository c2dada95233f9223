#include "net/datagram_key.h"

#include <string.h>

static uint32_t put(char *to, struct str key)
{
	if (key.n == 0 || key.n > DATAGRAM_KEY_MAX)
		return 0;
	memcpy(to, key.p, key.n);
	return (uint32_t)key.n;
}

/* ---- QUIC ---- */

enum { QUIC_VERSION_END = 5 };

/* A connection id with its length before it. *at: behind it. false: there is none. */
static bool take_id(struct str bytes, size_t *at, struct str *id)
{
	if (*at >= bytes.n)
		return false;
	size_t n = (uint8_t)bytes.p[*at];
	if (n > DATAGRAM_KEY_QUIC_MAX || n > bytes.n - *at - 1)
		return false;
	*id = (struct str){ bytes.p + *at + 1, n };
	*at += 1 + n;
	return true;
}

static struct str quic_target(uint32_t length, struct str bytes)
{
	struct str id = { 0 };
	size_t at = QUIC_VERSION_END;
	if (datagram_is_long_quic(bytes))
		return take_id(bytes, &at, &id) ? id : (struct str){ 0 };
	if (length == 0 || length > DATAGRAM_KEY_QUIC_MAX || bytes.n <= length)
		return id;
	return (struct str){ bytes.p + 1, length };
}

struct str datagram_quic_source(struct str bytes)
{
	struct str id;
	size_t at = QUIC_VERSION_END;
	if (!datagram_is_long_quic(bytes) || !take_id(bytes, &at, &id) || !take_id(bytes, &at, &id))
		return (struct str){ 0 };
	return id;
}

/* ---- DNS ---- */

enum {
	DNS_HEADER = 12,
	DNS_FLAGS = 2,
	DNS_QUESTIONS = 4,
	DNS_IS_ANSWER = 0x80,
	DNS_LABEL_MAX = 63,
	DNS_NAME_MAX = 253,
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* The name of the first question, in lower case, with dots; "." is the root. */
static uint32_t dns_name(struct str bytes, char *to)
{
	uint32_t n = 0;
	size_t at = DNS_HEADER;
	if (bytes.n <= DNS_HEADER || ((uint8_t)bytes.p[DNS_FLAGS] & DNS_IS_ANSWER) != 0 ||
	    (bytes.p[DNS_QUESTIONS] == 0 && bytes.p[DNS_QUESTIONS + 1] == 0))
		return 0;
	for (;;) {
		if (at >= bytes.n)
			return 0;
		size_t label = (uint8_t)bytes.p[at++];
		if (label == 0)
			break;
		if (label > DNS_LABEL_MAX || label > bytes.n - at ||
		    n + label + 1 > DNS_NAME_MAX + 1)
			return 0;
		for (size_t i = 0; i < label; i++)
			to[n++] = lower(bytes.p[at + i]);
		to[n++] = '.';
		at += label;
	}
	if (n == 0)
		to[n++] = '.';
	return n > 1 ? n - 1 : n;
}

/* ---- SIP ---- */

static bool is_name(struct str name, const char *lower_case)
{
	size_t n = strlen(lower_case);
	if (name.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (lower(name.p[i]) != lower_case[i])
			return false;
	return true;
}

static struct str trimmed(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

/* The next line, without its end. */
static struct str take_line(struct str *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	size_t n = end == NULL ? rest->n : (size_t)(end - rest->p);
	struct str line = { rest->p, n };
	size_t taken = end == NULL ? n : n + 1;
	rest->p += taken;
	rest->n -= taken;
	return line;
}

/* Also in its short form, "i". */
static struct str call_id(struct str bytes)
{
	(void)take_line(&bytes); /* a request, or a status */
	while (bytes.n > 0) {
		struct str line = trimmed(take_line(&bytes));
		const char *colon = line.n == 0 ? NULL : memchr(line.p, ':', line.n);
		if (line.n == 0)
			break; /* the body follows */
		if (colon == NULL)
			continue;
		struct str name = trimmed((struct str){ line.p, (size_t)(colon - line.p) });
		if (is_name(name, "call-id") || is_name(name, "i"))
			return trimmed(
				(struct str){ colon + 1, line.n - (size_t)(colon - line.p) - 1 });
	}
	return (struct str){ 0 };
}

uint32_t datagram_key_read(uint32_t kind, uint32_t length, const char *p, size_t n, char *to)
{
	struct str bytes = { p, n };
	if (n == 0)
		return 0;
	switch (kind) {
	case DATAGRAM_KEY_QUIC:
		return put(to, quic_target(length, bytes));
	case DATAGRAM_KEY_DNS:
		return dns_name(bytes, to);
	case DATAGRAM_KEY_SIP:
		return put(to, call_id(bytes));
	default:
		return 0;
	}
}
