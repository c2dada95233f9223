/*
 * Reads the blocks of fields that neap sends on a connection, as a strict peer would: whatever came
 * from the other side, what goes out is a good head or good trailers (RFC 9113 §8.2, §8.3).
 */
#ifndef NEAP_FUZZ_H2_HEADS_H
#define NEAP_FUZZ_H2_HEADS_H

#include <nghttp2/nghttp2.h>

#include "base/str.h"
#include "fuzz.h"

enum {
	BLOCK_BYTES = 1 << 17,
	FLAG_END_STREAM = 1,
	FLAG_END_HEADERS = 4,
	FLAG_PADDED = 8,
	FLAG_PRIORITY = 0x20,
	PRIORITY_BYTES = 5,
};

struct heads {
	nghttp2_hd_inflater *inflater; /* NULL: not begun */
	bool are_requests;
	uint8_t flags; /* of HEADERS */
	char block[BLOCK_BYTES];
	size_t n;
	unsigned method, scheme, path, authority, protocol, status, fields; /* of a block */
};

static inline void heads_init(struct heads *h, bool are_requests)
{
	if (h->inflater != NULL)
		nghttp2_hd_inflate_del(h->inflater);
	must(nghttp2_hd_inflate_new(&h->inflater) == 0);
	h->are_requests = are_requests;
	h->n = 0;
}

static inline bool is_name(struct str name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool is_alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!is_alnum && (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return name.n > 0;
}

static inline void must_be_good_value(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		must(v.p[i] != '\0' && v.p[i] != '\r' && v.p[i] != '\n');
	must(v.n == 0 || (v.p[0] != ' ' && v.p[0] != '\t'));
	must(v.n == 0 || (v.p[v.n - 1] != ' ' && v.p[v.n - 1] != '\t'));
}

static inline unsigned *pseudo_of(struct heads *h, struct str name)
{
	const struct {
		struct str name;
		unsigned *count;
	} rows[] = { { STR(":method"), &h->method }, { STR(":scheme"), &h->scheme },
		     { STR(":path"), &h->path },     { STR(":authority"), &h->authority },
		     { STR(":status"), &h->status }, { STR(":protocol"), &h->protocol } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_eq(name, rows[i].name))
			return rows[i].count;
	return NULL;
}

static inline void heads_field(struct heads *h, struct str name, struct str value)
{
	static const char *const of_connections[] = { "connection", "transfer-encoding",
						      "keep-alive", "upgrade", "proxy-connection" };
	must_be_good_value(value);
	if (name.n > 0 && name.p[0] == ':') {
		unsigned *count = pseudo_of(h, name);
		must(count != NULL && ++*count == 1 && h->fields == 0);
		must(count != &h->path ||
		     (value.n > 0 && (value.p[0] == '/' || value.p[0] == '*')));
		return;
	}
	h->fields++;
	must(is_name(name));
	for (size_t i = 0; i < sizeof(of_connections) / sizeof(of_connections[0]); i++)
		must(!str_eq(name, str_of(of_connections[i])));
	must(!str_eq(name, STR("te")) || str_eq(value, STR("trailers")));
}

static inline void heads_end_block(struct heads *h)
{
	bool is_head = h->are_requests ? h->method > 0 : h->status > 0;
	if (!is_head) { /* trailers */
		must(h->method + h->scheme + h->path + h->authority + h->status == 0);
		must((h->flags & FLAG_END_STREAM) != 0);
	} else if (h->are_requests) {
		must(h->scheme == 1 && h->path == 1 && h->status == 0 && h->protocol == 0);
	} else {
		must(h->method + h->scheme + h->path + h->authority + h->protocol == 0);
	}
}

static inline struct str heads_bare(const struct heads *h)
{
	struct str b = { h->block, h->n };
	if ((h->flags & FLAG_PADDED) != 0) {
		must(b.n > 0 && (uint8_t)b.p[0] < b.n);
		b = (struct str){ b.p + 1, b.n - 1 - (uint8_t)b.p[0] };
	}
	if ((h->flags & FLAG_PRIORITY) != 0) {
		must(b.n >= PRIORITY_BYTES);
		b = (struct str){ b.p + PRIORITY_BYTES, b.n - PRIORITY_BYTES };
	}
	return b;
}

static inline void heads_read(struct heads *h)
{
	struct str b = heads_bare(h);
	int result = 0;
	h->method = h->scheme = h->path = h->authority = h->protocol = h->status = h->fields = 0;
	while ((result & NGHTTP2_HD_INFLATE_FINAL) == 0) {
		nghttp2_nv nv;
		ssize_t n = nghttp2_hd_inflate_hd2(h->inflater, &nv, &result, (const uint8_t *)b.p,
						   b.n, 1);
		must(n >= 0);
		b.p += n;
		b.n -= (size_t)n;
		if ((result & NGHTTP2_HD_INFLATE_EMIT) != 0)
			heads_field(h, (struct str){ (char *)nv.name, nv.namelen },
				    (struct str){ (char *)nv.value, nv.valuelen });
	}
	must(b.n == 0 && nghttp2_hd_inflate_end_headers(h->inflater) == 0);
	heads_end_block(h);
	h->n = 0;
}

/* The next byte of a frame's payload, HEADERS or CONTINUATION. */
static inline void heads_byte(struct heads *h, char byte)
{
	must(h->n < BLOCK_BYTES);
	h->block[h->n++] = byte;
}

#endif
