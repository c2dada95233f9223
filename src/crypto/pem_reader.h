/*
 * Reads many certificates and keys, PEM, one after the other. OpenSSL makes its decoders anew for each
 * key, which takes ten times as long as decoding: here they are made once. Authorities stand in many
 * chains: each is decoded once and shared.
 */
#ifndef NEAP_CRYPTO_PEM_READER_H
#define NEAP_CRYPTO_PEM_READER_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/err.h"

struct pem_reader;

enum err pem_reader_create(struct pem_reader **r, struct error *e);
void pem_reader_destroy(struct pem_reader *r); /* NULL is harmless */

/*
 * The next certificate; NULL: OpenSSL's queue of errors says why. is_shared: others may have a
 * reference to the same object, so nothing may be changed in it. r NULL: it is not shared.
 */
X509 *pem_reader_certificate(struct pem_reader *r, BIO *from, bool is_shared);

/* The first private key of a text that needs no passphrase, as above. */
EVP_PKEY *pem_reader_key(struct pem_reader *r, BIO *from);

#endif
