/*
 * Writing a head into memory: a bounded byte sink. Too much sets `full` and drops the rest; the
 * caller looks once, at the end. Knows no sockets.
 */
#ifndef NEAP_HTTP_H1_OUT_H
#define NEAP_HTTP_H1_OUT_H

#include "http/msg.h"

struct h1_out {
	char *p;
	size_t n, cap;
	bool full;
};

void h1_out_init(struct h1_out *o, char *memory, size_t cap);

/* Inline: the pieces of a head are short, and many are constants. */
static inline void h1_out_str(struct h1_out *o, struct str s)
{
	if (unlikely(s.n > o->cap - o->n))
		o->full = true;
	if (unlikely(o->full) || s.p == NULL)
		return;
	memcpy(o->p + o->n, s.p, s.n);
	o->n += s.n;
}

void h1_out_u64(struct h1_out *o, uint64_t v);

/* "name: value\r\n"; the caller made sure that neither holds CR, LF or NUL. */
void h1_out_field(struct h1_out *o, struct str name, struct str value);

/*
 * Copies the field lines of h byte for byte, in order, but for those whose id is in `drop`, those
 * that Connection names (named_hop) and those that except(ctx, name) answers true for (except may
 * be NULL). Runs of kept lines are copied at once.
 */
void h1_out_fields(struct h1_out *o, const struct http_head *h, const char *base, field_mask drop,
		   bool (*except)(const void *ctx, struct str name), const void *ctx);

/* The fields that end at each hop (RFC 9110 §7.6.1): never forwarded as they came. */
field_mask h1_hop_fields(void);

/*
 * Is this a token (a valid field name), a valid field value? For names and values that scripts
 * give.
 */
bool h1_is_token(struct str s);
bool h1_is_field_value(struct str s);

/*
 * Is this a path with optional query that may stand in a request line (RFC 9112 §3.2.1: begins
 * with "/", no blanks, controls, '#', non-ASCII)?
 */
bool h1_is_target(struct str s);

#endif
