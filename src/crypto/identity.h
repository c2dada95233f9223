/*
 * What a certificate says of who shows it, as texts: for rules in policies, and for backends
 * (RFC 9440). Nothing here says whether it is to be believed.
 */
#ifndef NEAP_CRYPTO_IDENTITY_H
#define NEAP_CRYPTO_IDENTITY_H

#include <openssl/types.h>
#include <stdint.h>

#include "base/str.h"

enum { IDENTITY_FINGERPRINT_CHARS = 64 };

struct identity {
	struct str subject, issuer; /* distinguished names as RFC 2253 writes them */
	struct str serial;	    /* hexadecimal, in capitals */
	/*
	 * The values of subjectAltName: names of hosts (lower case, no dot at the end), addresses of
	 * mail, URIs, IP addresses. Each comes after its length, two bytes, high first. Names with
	 * control characters are left out.
	 */
	struct str names;
	char fingerprint[IDENTITY_FINGERPRINT_CHARS + 1]; /* SHA-256 of its DER, hexadecimal */
	int64_t not_after;				  /* seconds since 1970 UTC */
	struct str field; /* Client-Cert: its DER as a byte sequence of RFC 8941, ":…:" */
};

/* Reads it; NULL: no memory. */
struct identity *identity_create(X509 *x);
void identity_destroy(struct identity *i); /* NULL is harmless */

#endif
