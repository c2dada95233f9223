/*
 * Public keys that others sign with: of the numbers that a JWK has (RFC 7518 §6, RFC 8037), or of
 * PEM. NULL: it is no such key, or one too weak (RSA below 2048 bits) or too large to be used. The
 * caller ends a key by EVP_PKEY_free.
 */
#ifndef NEAP_CRYPTO_PUBLIC_KEY_H
#define NEAP_CRYPTO_PUBLIC_KEY_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum public_key_kind {
	PUBLIC_KEY_OTHER,
	PUBLIC_KEY_RSA,
	PUBLIC_KEY_P256,
	PUBLIC_KEY_P384,
	PUBLIC_KEY_P521,
	PUBLIC_KEY_ED25519
};
/* cdef end */

EVP_PKEY *public_key_rsa(const char *modulus, size_t modulus_n, const char *exponent,
			 size_t exponent_n);
/* The curve is its enum public_key_kind; both coordinates have its full length. */
EVP_PKEY *public_key_ec(uint32_t curve, const char *x, size_t x_n, const char *y, size_t y_n);
EVP_PKEY *public_key_ed25519(const char *x, size_t n);
/* "BEGIN PUBLIC KEY" or "BEGIN CERTIFICATE". */
EVP_PKEY *public_key_pem(const char *text, size_t n);

/* Its enum public_key_kind. */
uint32_t public_key_kind(const EVP_PKEY *key);

#endif
