/*
 * What the fuzz targets of the http room share: exact copies, checks, and heads parsed in pieces.
 */
#ifndef NEAP_FUZZ_FUZZ_H
#define NEAP_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/h1_head.h"
#include "http/h1_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program, which libFuzzer reports, when something does not hold that always must. */
static inline void must(bool holds)
{
	if (!holds)
		abort();
}

/* N bytes in a block of just that size, so that reading one too many is seen. */
static inline char *exact(const void *bytes, size_t n)
{
	char *p = malloc(n > 0 ? n : 1);
	must(p != NULL);
	memcpy(p, bytes, n);
	return p;
}

enum { FUZZ_FIELDS = 24 };

/* Small, so that inputs reach them. */
static const struct http_limits fuzz_limits = { 2048, 512, FUZZ_FIELDS };

struct parsed {
	struct http_head h;
	struct http_field fields[FUZZ_FIELDS];
	enum h1_result result;
};

static inline void parse_part(struct parsed *p, const char *bytes, size_t n)
{
	char *copy = exact(bytes, n);
	p->result = h1_head_parse(&p->h, copy, n);
	free(copy);
}

/* The first CUT bytes, then all of them; each time at another address. */
static inline void parse_cut(struct parsed *p, bool is_response, struct str in, size_t cut)
{
	memset(p, 0, sizeof(*p));
	h1_head_init(&p->h, is_response, p->fields, &fuzz_limits);
	parse_part(p, in.p, cut);
	if (p->result == H1_MORE)
		parse_part(p, in.p, in.n);
}

static inline void must_be_inside(struct http_span s, size_t n)
{
	must(s.at <= n && s.n <= n - s.at);
}

/* All offsets of an accepted head are inside it and in order. */
static inline void must_be_in_bounds(const struct http_head *h, size_t n)
{
	must(h->bytes <= n && h->bytes <= fuzz_limits.header_bytes && h->n <= FUZZ_FIELDS);
	const struct http_span spans[] = { h->method, h->target, h->reason,
					   h->path,   h->query,	 h->host };
	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
		must_be_inside(spans[i], h->bytes);
	uint32_t at = h->fields_at;
	for (uint16_t i = 0; i < h->n; i++) {
		const struct http_field *f = &h->fields[i];
		must(f->line == at && f->name_n > 0 && f->value > f->line + f->name_n);
		at = i + 1 < h->n ? h->fields[i + 1].line : h->bytes - 2;
		must(f->value + f->value_n + 2 <= at && f->id < FIELD_IDS);
	}
}

/* However a head is cut, the answer is the same. */
static inline void must_agree(const struct parsed *a, const struct parsed *b)
{
	must(a->result == b->result);
	if (a->result == H1_BAD)
		must(a->h.refusal.reason == b->h.refusal.reason &&
		     a->h.refusal.status == b->h.refusal.status);
	if (a->result != H1_DONE)
		return;
	must(memcmp(a->fields, b->fields, sizeof(a->fields)) == 0);
	struct http_head h = a->h;
	h.fields = b->h.fields;
	must(memcmp(&h, &b->h, sizeof(h)) == 0);
}

/* Fields that are copied without dropping any are the bytes that came. */
static inline void must_copy(const struct http_head *h, const char *base)
{
	char memory[2048];
	struct out o;
	out_init(&o, memory, sizeof(memory));
	h1_write_fields(&o, h, base, 0, NULL, NULL);
	bool names = (h->flags & HTTP_CONN_NAMES) != 0;
	must(!o.full && (names || (o.n == h->bytes - 2 - h->fields_at &&
				   memcmp(memory, base + h->fields_at, o.n) == 0)));
}

#endif
