/*
 * TLS sessions that connections of scripts resume, by server and by the terms on which TLS is spoken with
 * it. A few; those that were asked for last. What is kept for a connection lives as long as that.
 */
#ifndef NEAP_SCRIPT_SHELF_H
#define NEAP_SCRIPT_SHELF_H

#include "crypto/sha256.h"
#include "net/tls_dial.h"

enum { SHELF_PLACES = 64 };

struct shelf {
	struct shelf_place *places[SHELF_PLACES]; /* the one that was asked for last comes first */
	unsigned n;
};

/*
 * As tls_dial_open, with the sessions of that server; id: a digest of all that a connection must
 * have in common with those before.
 */
SSL *shelf_open(struct shelf *s, const uint8_t id[SHA256_BYTES], struct tls_goal *goal);

void shelf_fini(struct shelf *s);

#endif
