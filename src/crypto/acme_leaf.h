/*
 * What the agent must know of a certificate that a CA sent, or that is in a file: is it one for that
 * name and that key, and how long does it live?
 */
#ifndef NEAP_CRYPTO_ACME_LEAF_H
#define NEAP_CRYPTO_ACME_LEAF_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct acme_leaf {
	int64_t not_before, not_after; /* seconds since 1970 */
};

/*
 * Looks at a text of a chain and the key of its first certificate (PEM). ERR_INVALID: a part is
 * missing or broken, the key is another one, or the certificate is not for that DNS name.
 */
enum err acme_leaf_read(struct acme_leaf *leaf, struct str pem, const char *name, struct error *e);

#endif
