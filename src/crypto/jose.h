/*
 * What ACME (RFC 8555 §6.2) needs of JOSE: a key as JWK (RFC 7517), signatures by ES256 (RFC 7518
 * §3.4), and HMAC-SHA256 (HS256) for the binding to an account elsewhere.
 */
#ifndef NEAP_CRYPTO_JOSE_H
#define NEAP_CRYPTO_JOSE_H

#include <openssl/evp.h>

#include "base/err.h"
#include "base/out.h"

/*
 * Appends the public half of a key on P-256 as JSON, in the one form whose digest is the key's
 * thumbprint (RFC 7638 §3): only what is required, sorted, without blanks.
 */
enum err jose_jwk(struct out *out, const EVP_PKEY *key, struct error *e);

/* Appends the signature of the bytes as base64url: R and S, 32 bytes each. */
enum err jose_sign(struct out *out, EVP_PKEY *key, struct str bytes, struct error *e);

/* Appends SHA-256 of the bytes as base64url. */
enum err jose_digest(struct out *out, struct str bytes, struct error *e);

/* Appends HMAC-SHA256 of the bytes as base64url. */
enum err jose_mac(struct out *out, struct str secret, struct str bytes, struct error *e);

#endif
