#include "http/target.h"

#include <arpa/inet.h>

#include "base/num.h"
#include "http/refuse.h"
#include "http/scan.h"

struct authority {
	struct str host, port; /* without the ':' */
	bool has_port;
};

static bool split_bracketed(struct str s, struct authority *a)
{
	const char *close = memchr(s.p, ']', s.n);
	if (close == NULL)
		return false;
	a->host = (struct str){ s.p, (size_t)(close + 1 - s.p) };
	struct str rest = { close + 1, s.n - a->host.n };
	a->has_port = rest.n > 0;
	if (a->has_port && rest.p[0] != ':')
		return false;
	a->port = a->has_port ? (struct str){ rest.p + 1, rest.n - 1 } : (struct str){ rest.p, 0 };
	return true;
}

static bool split_authority(struct str s, struct authority *a)
{
	if (s.n > 0 && s.p[0] == '[')
		return split_bracketed(s, a);
	const char *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
	a->has_port = colon != NULL;
	a->host = a->has_port ? (struct str){ s.p, (size_t)(colon - s.p) } : s;
	a->port = a->has_port ? (struct str){ colon + 1, s.n - a->host.n - 1 }
			      : (struct str){ s.p, 0 };
	return true;
}

static bool is_ipv6(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	return str_copy(text, sizeof(text), s) && strlen(text) == s.n &&
	       inet_pton(AF_INET6, text, &address) == 1;
}

static bool is_reg_name(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;
	for (;;) {
		p = scan_while(p, end, SCAN_HOST);
		if (p == end)
			return s.n > 0;
		if (*p != '%' || end - p < 3 || !scan_is(p[1], SCAN_HEX) ||
		    !scan_is(p[2], SCAN_HEX))
			return false;
		p += 3;
	}
}

static bool is_host(struct str s)
{
	if (s.n > 0 && s.p[0] == '[')
		return is_ipv6((struct str){ s.p + 1, s.n - 2 });
	return is_reg_name(s);
}

bool authority_is_valid(struct str authority)
{
	struct authority a;
	uint64_t port;
	return split_authority(authority, &a) && is_host(a.host) &&
	       (a.port.n == 0 || num_parse_u64(a.port, 65535, &port));
}

/* Without leading zeros; empty when it is the default. */
static struct str significant_port(struct str port, struct str default_port)
{
	while (port.n > 1 && port.p[0] == '0') {
		port.p++;
		port.n--;
	}
	return str_eq(port, default_port) ? (struct str){ port.p, 0 } : port;
}

bool authority_is_same(struct str a, struct str b, struct str default_port)
{
	struct authority x, y;
	return split_authority(a, &x) && split_authority(b, &y) && str_eq_nocase(x.host, y.host) &&
	       str_eq(significant_port(x.port, default_port),
		      significant_port(y.port, default_port));
}

static bool starts_with_nocase(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq_nocase((struct str){ s.p, prefix.n }, prefix);
}

/* From here to the '?' or the target's end. */
static void set_path(struct http_head *h, uint32_t at)
{
	uint32_t end = h->has_query ? h->query.at - 1 : h->target.at + h->target.n;
	h->path = (struct http_span){ at, end - at };
}

static bool authority_end(char c)
{
	return c == '/' || c == '?';
}

static enum h1_result parse_absolute(struct http_head *h, const char *base, size_t scheme_n)
{
	struct str t = http_str(base, h->target);
	size_t end = scheme_n;
	while (end < t.n && !authority_end(t.p[end]))
		end++;
	struct str authority = { t.p + scheme_n, end - scheme_n };
	if (memchr(authority.p, '@', authority.n) != NULL)
		return refuse(h, 400, "user information in target");
	if (!authority_is_valid(authority))
		return refuse(h, 400, "invalid authority in target");
	h->form = TARGET_ABSOLUTE;
	h->host = (struct http_span){ h->target.at + (uint32_t)scheme_n, (uint32_t)authority.n };
	set_path(h, h->target.at + (uint32_t)end);
	if (h->method_id == METHOD_OPTIONS && h->path.n == 0 && !h->has_query)
		h->form = TARGET_ASTERISK;
	return H1_DONE;
}

static enum h1_result parse_authority(struct http_head *h, const char *base)
{
	struct str t = http_str(base, h->target);
	struct authority a;
	if (!split_authority(t, &a) || a.port.n == 0 || !authority_is_valid(t))
		return refuse(h, 400, "CONNECT needs host:port");
	h->form = TARGET_AUTHORITY;
	h->host = h->target;
	return H1_DONE;
}

static enum h1_result parse_other(struct http_head *h, const char *base)
{
	struct str t = http_str(base, h->target);
	if (starts_with_nocase(t, STR("http://")))
		return parse_absolute(h, base, 7);
	if (starts_with_nocase(t, STR("https://")))
		return parse_absolute(h, base, 8);
	if (!str_eq(t, STR("*")))
		return refuse(h, 400, "invalid target");
	if (h->method_id != METHOD_OPTIONS)
		return refuse(h, 400, "target * without OPTIONS");
	h->form = TARGET_ASTERISK;
	h->path = h->target;
	return H1_DONE;
}

enum h1_result target_parse(struct http_head *h, const char *base)
{
	if (unlikely(h->method_id == METHOD_CONNECT))
		return parse_authority(h, base);
	if (unlikely(base[h->target.at] != '/'))
		return parse_other(h, base);
	h->form = TARGET_ORIGIN;
	set_path(h, h->target.at);
	return H1_DONE;
}

/* "https://" has its default port, all else http's. */
static struct str default_port(const struct http_head *h, const char *base)
{
	return starts_with_nocase(http_str(base, h->target), STR("https://")) ? STR("443")
									      : STR("80");
}

enum h1_result target_check_host(struct http_head *h, const char *base)
{
	const struct http_field *f = http_find(h, FIELD_HOST);
	if (f == NULL)
		return h->minor == 0 ? H1_DONE : refuse(h, 400, "missing Host");
	struct str value = http_field_value(base, f);
	if (!authority_is_valid(value))
		return refuse(h, 400, "invalid Host");
	/* The target names an authority of its own: h->host is that, and Host must agree. */
	if (h->form != TARGET_ORIGIN && h->host.n > 0 &&
	    !authority_is_same(http_str(base, h->host), value, default_port(h, base)))
		return refuse(h, 400, "Host disagrees with target");
	h->host = h->host.n > 0 ? h->host : (struct http_span){ f->value, f->value_n };
	return H1_DONE;
}
