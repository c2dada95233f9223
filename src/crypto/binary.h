/*
 * Certificates and keys that are not PEM, as people have them from elsewhere.
 */
#ifndef NEAP_CRYPTO_BINARY_H
#define NEAP_CRYPTO_BINARY_H

#include "base/str.h"

/* What the bytes are, and the command that makes PEM of them; NULL: they are not binary. Static. */
const char *binary_advice(struct str bytes);

#endif
