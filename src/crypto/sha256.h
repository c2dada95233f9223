/* SHA-256 (FIPS 180-4) and HMAC over it (RFC 2104). A digest is all zero when memory is short. */
#ifndef NEAP_CRYPTO_SHA256_H
#define NEAP_CRYPTO_SHA256_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32 };

struct sha256 {
	EVP_MD_CTX *openssl; /* NULL: no memory */
};

/* One of bytes that come in parts; whoever begins one ends it. */
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t n);
void sha256_end(struct sha256 *s, uint8_t digest[SHA256_BYTES]);

void sha256_hmac(const void *key, size_t key_n, const void *bytes, size_t n,
		 uint8_t digest[SHA256_BYTES]);

#endif
