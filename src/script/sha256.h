/* SHA-256 (FIPS 180-4) and HMAC over it (RFC 2104), for what policies sign. */
#ifndef NEAP_SCRIPT_SHA256_H
#define NEAP_SCRIPT_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_BYTES = 32, SHA256_BLOCK = 64 };

struct sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[SHA256_BLOCK];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *bytes, size_t n);
void sha256_end(struct sha256 *s, uint8_t digest[SHA256_BYTES]);

void sha256_hmac(const void *key, size_t key_n, const void *bytes, size_t n,
		 uint8_t digest[SHA256_BYTES]);

#endif
