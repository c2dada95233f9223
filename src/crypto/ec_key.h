/*
 * Private keys on P-256, for accounts and certificates. Their text is PEM (PKCS #8). Nothing here
 * reads or writes files, and no text of a key goes into an error.
 */
#ifndef NEAP_CRYPTO_EC_KEY_H
#define NEAP_CRYPTO_EC_KEY_H

#include <openssl/evp.h>

#include "base/err.h"
#include "base/out.h"

/* A new key; the caller ends it by EVP_PKEY_free. */
enum err ec_key_create(EVP_PKEY **key, struct error *e);

/*
 * The key of a PEM text; the caller ends it by EVP_PKEY_free. ERR_INVALID: there is no key in it, or
 * one of another kind, or it wants a passphrase.
 */
enum err ec_key_read(EVP_PKEY **key, struct str pem, struct error *e);

/* Appends its PEM text. */
enum err ec_key_write(struct out *out, EVP_PKEY *key, struct error *e);

#endif
