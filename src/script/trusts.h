/*
 * The TLS contexts of connections that scripts make, by whom they trust and what they show. Few
 * differ, so that the last ones are kept.
 */
#ifndef NEAP_SCRIPT_TRUSTS_H
#define NEAP_SCRIPT_TRUSTS_H

#include "crypto/sha256.h"
#include "net/tls_context.h"

enum { TRUSTS_MAX = 16 };

struct trusts {
	struct trust {
		uint8_t id[SHA256_BYTES];
		struct tls_context *context;
	} kept[TRUSTS_MAX]; /* the one that was asked for last comes first */
	unsigned n;
};

/* PEM texts, needed during the call; n = 0: the system's authorities, nothing to show. */
struct trust_wish {
	bool skips_verify;
	struct str ca, certificate, key;
};

/* A digest of it; false: no memory. */
bool trusts_id(uint8_t id[SHA256_BYTES], const struct trust_wish *wish);

/*
 * The context for it, to be used at once: later calls may free it. ERR_INVALID: a text is not what
 * it should be; the error says which.
 */
enum err trusts_find(struct trusts *t, const struct trust_wish *wish, struct tls_context **c,
		     struct error *e);

void trusts_fini(struct trusts *t);

#endif
