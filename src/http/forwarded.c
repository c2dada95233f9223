#include "http/forwarded.h"

#include <arpa/inet.h>

#include "http/scan.h"

field_mask forwarded_fields(void)
{
	const field_mask one = 1;
	return one << FIELD_FORWARDED | one << FIELD_X_FORWARDED_FOR |
	       one << FIELD_X_FORWARDED_PROTO | one << FIELD_X_FORWARDED_HOST |
	       one << FIELD_X_FORWARDED_PORT | one << FIELD_X_REAL_IP;
}

/* A field where the word of a trusted peer overrides ours. */
struct kept {
	enum field_id id;
	struct str name, own;
};

/* A list that is written element by element as one field. */
struct line {
	struct out *out;
	unsigned n;
};

static struct line begin_line(struct out *o, struct str name)
{
	out_str(o, name);
	out_str(o, STR(": "));
	return (struct line){ .out = o };
}

static void add_separator(struct line *l)
{
	if (l->n++ > 0)
		out_str(l->out, STR(", "));
}

static void end_line(struct line *l)
{
	out_str(l->out, STR("\r\n"));
}

static bool is_skipped(const struct forwarded *f, enum field_id id)
{
	return (f->skip >> id & 1) != 0;
}

/* The values of all fields of this id, in order. */
static void add_values(struct line *l, const struct http_head *h, const char *base,
		       enum field_id id)
{
	if (!http_has(h, id))
		return;
	for (uint16_t i = 0; i < h->n; i++) {
		if (h->fields[i].id != id || h->fields[i].value_n == 0)
			continue;
		add_separator(l);
		out_str(l->out, http_field_value(base, &h->fields[i]));
	}
}

/*
 * A peer on a unix socket has no address: it adds nothing to a chain, and is "unknown" where the
 * chain would be empty.
 */
static void write_for(struct out *o, const struct forwarded *f, const struct http_head *h,
		      const char *base)
{
	struct line l = begin_line(o, STR("X-Forwarded-For"));
	if (f->trusted)
		add_values(&l, h, base, FIELD_X_FORWARDED_FOR);
	if (f->peer_ip.n > 0 || l.n == 0) {
		add_separator(&l);
		out_str(o, f->peer_ip.n > 0 ? f->peer_ip : STR("unknown"));
	}
	end_line(&l);
}

/*
 * A field of a trusted peer is kept (its lines joined). Else it is written in our own words, if
 * there are any.
 */
static void write_kept(struct out *o, const struct forwarded *f, const struct http_head *h,
		       const char *base, const struct kept *k)
{
	bool keep = f->trusted && http_has(h, k->id);
	if ((!keep && k->own.n == 0) || is_skipped(f, k->id))
		return;
	struct line l = begin_line(o, k->name);
	if (keep)
		add_values(&l, h, base, k->id);
	else
		out_str(o, k->own);
	end_line(&l);
}

/* ;name=value, quoted unless it is a token (RFC 7239 §4). */
static void write_pair(struct out *o, struct str name, struct str value)
{
	struct str quote = h1_is_token(value) ? STR("") : STR("\"");
	out_str(o, name);
	out_str(o, quote);
	out_str(o, value);
	out_str(o, quote);
}

static void write_node(struct out *o, struct str ip)
{
	if (ip.n == 0) {
		out_str(o, STR("for=unknown"));
	} else if (memchr(ip.p, ':', ip.n) != NULL) {
		out_str(o, STR("for=\"["));
		out_str(o, ip);
		out_str(o, STR("]\""));
	} else {
		out_str(o, STR("for="));
		out_str(o, ip);
	}
}

static void write_rfc7239(struct out *o, const struct forwarded *f, const struct http_head *h,
			  const char *base)
{
	struct line l = begin_line(o, STR("Forwarded"));
	add_values(&l, h, base, FIELD_FORWARDED);
	add_separator(&l);
	write_node(o, f->peer_ip);
	write_pair(o, STR(";proto="), f->proto);
	if (f->host.n > 0)
		write_pair(o, STR(";host="), f->host);
	end_line(&l);
}

/* All in our own words: what nearly every request gets. */
static void write_own(struct out *o, const struct forwarded *f)
{
	out_str(o, STR("X-Forwarded-For: "));
	out_str(o, f->peer_ip.n > 0 ? f->peer_ip : STR("unknown"));
	out_str(o, STR("\r\nX-Forwarded-Proto: "));
	out_str(o, f->proto);
	if (f->host.n > 0) {
		out_str(o, STR("\r\nX-Forwarded-Host: "));
		out_str(o, f->host);
	}
	out_str(o, STR("\r\n"));
}

void forwarded_write(struct out *o, const struct forwarded *f, const struct http_head *h,
		     const char *base)
{
	if (likely(!f->trusted && f->skip == 0)) {
		write_own(o, f);
		return;
	}
	const struct kept all[] = {
		{ FIELD_X_FORWARDED_PROTO, STR("X-Forwarded-Proto"), f->proto },
		{ FIELD_X_FORWARDED_HOST, STR("X-Forwarded-Host"), f->host },
		{ FIELD_X_FORWARDED_PORT, STR("X-Forwarded-Port"), { NULL, 0 } },
		{ FIELD_X_REAL_IP, STR("X-Real-IP"), { NULL, 0 } },
	};
	if (!is_skipped(f, FIELD_X_FORWARDED_FOR))
		write_for(o, f, h, base);
	for (size_t i = 0; i < countof(all); i++)
		write_kept(o, f, h, base, &all[i]);
	if (f->trusted && http_has(h, FIELD_FORWARDED) && !is_skipped(f, FIELD_FORWARDED))
		write_rfc7239(o, f, h, base);
}

static bool is_address(struct str s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	return str_copy(text, sizeof(text), s) && strlen(text) == s.n &&
	       (inet_pton(AF_INET, text, &address) == 1 ||
		inet_pton(AF_INET6, text, &address) == 1);
}

/* "1.2.3.4:80", "[::1]" and "[::1]:80" without brackets and port; other text as it is. */
static struct str bare_address(struct str s)
{
	const char *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
	if (s.n > 0 && s.p[0] == '[') {
		const char *close = memchr(s.p, ']', s.n);
		return close == NULL ? s : (struct str){ s.p + 1, (size_t)(close - s.p) - 1 };
	}
	if (colon != NULL && memchr(colon + 1, ':', s.n - (size_t)(colon + 1 - s.p)) == NULL)
		return (struct str){ s.p, (size_t)(colon - s.p) };
	return s;
}

/* Takes the last element off the list. */
static struct str take_last(struct str *list)
{
	size_t at = list->n;
	while (at > 0 && list->p[at - 1] != ',')
		at--;
	struct str item = { list->p + at, list->n - at };
	list->n = at > 0 ? at - 1 : 0;
	return str_trim(item);
}

struct str forwarded_client(const struct http_head *h, const char *base,
			    bool (*trusts)(const void *ctx, struct str ip), const void *ctx)
{
	struct str client = { NULL, 0 };
	for (uint16_t i = http_has(h, FIELD_X_FORWARDED_FOR) ? h->n : 0; i-- > 0;) {
		if (h->fields[i].id != FIELD_X_FORWARDED_FOR)
			continue;
		struct str list = http_field_value(base, &h->fields[i]);
		while (list.n > 0) {
			struct str item = bare_address(take_last(&list));
			if (item.n == 0)
				continue;
			if (!is_address(item))
				return (struct str){ NULL, 0 };
			client = item;
			if (!trusts(ctx, client))
				return client;
		}
	}
	return client;
}
