/*
 * Writing the field lines of a head (RFC 9112 §5), and what may stand in them.
 */
#ifndef NEAP_HTTP_H1_WRITE_H
#define NEAP_HTTP_H1_WRITE_H

#include "base/out.h"
#include "http/msg.h"

/* "name: value\r\n"; the caller made sure that neither holds CR, LF or NUL. */
void h1_write_field(struct out *o, struct str name, struct str value);

/*
 * Copies the field lines of h byte for byte, in order. It leaves out those whose id is in `drop`,
 * those that Connection names (named_hop) and those for which except(ctx, name) is true (except may
 * be NULL). Runs of kept lines are copied at once.
 */
void h1_write_fields(struct out *o, const struct http_head *h, const char *base, field_mask drop,
		     bool (*except)(const void *ctx, struct str name), const void *ctx);

/* The fields that end at each hop (RFC 9110 §7.6.1): never forwarded as they came. */
field_mask h1_hop_fields(void);

/*
 * Is this a token (a valid field name); is this a valid field value? For names and values that
 * scripts give.
 */
bool h1_is_token(struct str s);
bool h1_is_field_value(struct str s);

/*
 * Is this a path with optional query that may stand in a request line (RFC 9112 §3.2.1: begins
 * with "/", no blanks, controls, '#', non-ASCII)?
 */
bool h1_is_target(struct str s);

#endif
