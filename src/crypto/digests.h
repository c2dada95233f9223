/* Digests of SHA-1 and SHA-2 (FIPS 180-4), HMAC over them (RFC 2104), and comparing in secret. */
#ifndef NEAP_CRYPTO_DIGESTS_H
#define NEAP_CRYPTO_DIGESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGESTS_BYTES_MAX = 64 };

/* `bits` names the digest: 1 for SHA-1, else 256, 384 or 512. Bytes written; 0: it failed. */
uint32_t digests_make(uint32_t bits, const char *bytes, size_t n, uint8_t to[DIGESTS_BYTES_MAX]);
uint32_t digests_mac(uint32_t bits, const char *key, size_t key_n, const char *bytes, size_t n,
		     uint8_t to[DIGESTS_BYTES_MAX]);

/* In a time that does not depend on where they differ. */
bool digests_are_equal(const char *a, const char *b, size_t n);

#endif
