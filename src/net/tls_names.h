/*
 * Which certificates serve which name: exact names and wildcards of one label (RFC 6125 §6.4.3).
 * For a name there may be one of each kind (RSA and ECDSA side by side). The first of a kind in the
 * config's order has it.
 */
#ifndef NEAP_NET_TLS_NAMES_H
#define NEAP_NET_TLS_NAMES_H

#include "crypto/certificate.h"

/* The certificates of one name; those of the table, NULL: none of that kind. */
struct tls_name_row {
	struct str name;
	struct certificate *kinds[CERTIFICATE_KINDS];
};

/* A table with open addressing; its size is a power of two, or 0. */
struct tls_names {
	struct tls_name_row *rows;
	size_t size, used;
	struct tls_name_row first; /* for who asks for no name of ours */
	struct certificate **certificates;
	unsigned certificate_count;
};

/* Takes a reference of each certificate. ERR_MEMORY. To be freed in any case. */
enum err tls_names_init(struct tls_names *t, struct certificate *const *certificates,
			unsigned count);
void tls_names_free(struct tls_names *t);

/* Calls fn with each that has names and is shown to nobody, since others before it have them all. */
void tls_names_each_idle(const struct tls_names *t,
			 void (*fn)(void *ctx, const struct certificate *c), void *ctx);

/* The row of a name in lower case without a trailing dot; NULL: nobody's. */
const struct tls_name_row *tls_names_find(const struct tls_names *t, struct str name);

#endif
