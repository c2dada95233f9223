/*
 * Requests for certificates (PKCS #10, RFC 2986): the names are in subjectAltName only, the subject
 * is empty.
 */
#ifndef NEAP_CRYPTO_CSR_H
#define NEAP_CRYPTO_CSR_H

#include <openssl/evp.h>

#include "base/err.h"
#include "base/out.h"

/* Appends the request (DER) for a DNS name, signed by the key. The name is checked by the caller. */
enum err csr_write(struct out *out, EVP_PKEY *key, const char *name, struct error *e);

#endif
