/*
 * X-Forwarded-For/-Proto/-Host and Forwarded (RFC 7239): who the client was. What an untrusted peer
 * claims is dropped and replaced. The lists of a trusted one are appended to, and its Proto and
 * Host are kept.
 */
#ifndef NEAP_HTTP_FORWARDED_H
#define NEAP_HTTP_FORWARDED_H

#include "http/h1_write.h"

struct forwarded {
	bool trusted;	    /* the peer's own fields are believed */
	struct str peer_ip; /* text without brackets or port; empty for a unix socket */
	struct str proto;   /* "http" or "https" */
	struct str host;    /* the client's Host */
	field_mask skip; /* fields of forwarded_fields() not to write: a script set them itself */
};

/* The fields that forwarded_write replaces; to be dropped when the others are copied. */
field_mask forwarded_fields(void);

/*
 * Writes X-Forwarded-For and X-Forwarded-Proto always, X-Forwarded-Host when there is one, and
 * Forwarded only when a trusted request had one (so that it stays true); X-Forwarded-Port and
 * X-Real-IP of a trusted request are kept. h, base: the request. A peer without an address adds
 * nothing to a chain; where the chain would be empty it is "unknown".
 */
void forwarded_write(struct out *o, const struct forwarded *f, const struct http_head *h,
		     const char *base);

/*
 * The address that a trusted chain names as the client: the right-most X-Forwarded-For entry that
 * `trusts` does not answer true for, or the left-most when all are trusted. Empty when the field
 * is not there or that entry is no address.
 */
struct str forwarded_client(const struct http_head *h, const char *base,
			    bool (*trusts)(const void *ctx, struct str ip), const void *ctx);

#endif
