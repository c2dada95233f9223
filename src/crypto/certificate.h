/*
 * A certificate as a server or a client shows it: the leaf, the authorities between it and a root
 * in order, and its private key. It does not change once it is read and is counted: several names
 * and services share one.
 */
#ifndef NEAP_CRYPTO_CERTIFICATE_H
#define NEAP_CRYPTO_CERTIFICATE_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct certificate;

enum { CERTIFICATE_CHAIN_MAX = 16, CERTIFICATE_FINGERPRINT_BYTES = 32 };

/* Which handshakes it serves: a name may have one of each kind. */
enum certificate_kind {
	CERTIFICATE_RSA,
	CERTIFICATE_ECDSA,
	CERTIFICATE_EDWARDS,
	CERTIFICATE_KINDS
};

/* On which side it is shown. */
enum certificate_side { CERTIFICATE_OF_SERVER, CERTIFICATE_OF_CLIENT };

/* How the chain stood in its text. */
enum certificate_order {
	CERTIFICATE_IN_ORDER,
	CERTIFICATE_REORDERED, /* it was put in order: the leaf, its issuer, and so on */
	CERTIFICATE_STRANGERS, /* some belong to no chain from the leaf; they stand at the end */
};

/* The texts of one, PEM. Without a key of its own (n = 0) it stands in the chain's text. */
struct certificate_text {
	struct str chain, key;
	const char *chain_where, *key_where; /* for errors: config key and file; NULL: not said */
};

/*
 * Reads one, with one reference. ERR_INVALID: a text is damaged, encrypted, has no certificate or
 * no key, or the key belongs to none of the certificates. The texts are not needed after that.
 */
enum err certificate_read(struct certificate **c, const struct certificate_text *text,
			  struct error *e);

struct pem_reader;

/* The same, one of many: r makes it cheaper (crypto/pem_reader.h). */
enum err certificate_read_by(struct pem_reader *r, struct certificate **c,
			     const struct certificate_text *text, struct error *e);

/* What is known of a certificate without reading it. */
struct certificate_facts {
	enum certificate_kind kind;
	struct str names; /* those that certificate_each_name tells, a space between two */
};

/*
 * One that is read when it is first shown: texts, names and ocsp (n = 0: none) are borrowed and must
 * live as long as it does. They were read by another process, and were good. Until certificate_load
 * only its kind, its names and where it came from may be asked for.
 */
enum err certificate_defer(struct certificate **c, const struct certificate_text *text,
			   struct str ocsp, const struct certificate_facts *facts, struct error *e);

/* Reads it, unless that is done. False: no memory. */
bool certificate_load(struct certificate *c);

struct certificate *certificate_keep(struct certificate *c);
void certificate_drop(struct certificate *c); /* NULL is harmless */

/* An OCSP answer to be stapled, DER, copied. ERR_INVALID: as staple_judge says. */
enum err certificate_staple(struct certificate *c, struct str der, struct error *e);
/* The answer at this time, seconds since 1970; n = 0: none, or it is too old. */
struct str certificate_stapled(const struct certificate *c, int64_t now_s);

/* Where its chain came from, as its text said; "certificate" when it did not. */
const char *certificate_where(const struct certificate *c);

enum certificate_kind certificate_kind(const struct certificate *c);
enum certificate_order certificate_order(const struct certificate *c);

/* May it be shown on that side? One that names uses (extendedKeyUsage) must name this one. */
bool certificate_is_for(const struct certificate *c, enum certificate_side side);

/* Seconds since 1970 UTC: valid from and to, both included. */
int64_t certificate_not_before(const struct certificate *c);
int64_t certificate_not_after(const struct certificate *c);

/* SHA-256 of the leaf's DER. */
void certificate_fingerprint(const struct certificate *c,
			     uint8_t digest[CERTIFICATE_FINGERPRINT_BYTES]);

/*
 * Calls fn with each DNS name that it serves, in lower case, without a trailing dot; a wildcard as
 * "*.example.org". Those are the dNSNames of the subjectAltName (RFC 6125); without any, the common
 * name. The name lives till fn returns.
 */
void certificate_each_name(const struct certificate *c, void (*fn)(void *ctx, struct str name),
			   void *ctx);

/* Borrowed: they live as long as the certificate. */
X509 *certificate_leaf(const struct certificate *c);
EVP_PKEY *certificate_key(const struct certificate *c);
STACK_OF(X509) * certificate_issuers(const struct certificate *c); /* in order; without the leaf */

/* The certificate whose leaf this very object is; NULL: of none. Borrowed. */
const struct certificate *certificate_of_leaf(const X509 *leaf);

#endif
