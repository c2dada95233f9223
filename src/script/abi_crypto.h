/*
 * The contract between C and Lua (abi.h): digests, random bytes, public keys. What these functions
 * take and give has the form of crypto/digests.h, crypto/public_key.h and crypto/jws.h.
 */
#ifndef NEAP_SCRIPT_ABI_CRYPTO_H
#define NEAP_SCRIPT_ABI_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

typedef struct neap_key neap_key;

/* bits: 1 (SHA-1), 256, 384, 512. Bytes written to `to`, which has room for 64; 0: it failed. */
uint32_t neap_digest(uint32_t bits, const char *bytes, size_t n, uint8_t *to);
uint32_t neap_mac(uint32_t bits, const char *key, size_t key_n, const char *bytes, size_t n,
		  uint8_t *to);
uint32_t neap_bytes_equal(const char *a, const char *b, size_t n);
uint32_t neap_random_bytes(uint8_t *to, size_t n); /* 256 at most; 0: it failed */

/* NULL: it is no key that can be used. */
neap_key *neap_key_rsa(const char *modulus, size_t modulus_n, const char *exponent,
		       size_t exponent_n);
neap_key *neap_key_ec(uint32_t curve, const char *x, size_t x_n, const char *y, size_t y_n);
neap_key *neap_key_ed25519(const char *x, size_t n);
neap_key *neap_key_pem(const char *text, size_t n);
uint32_t neap_key_kind(const neap_key *key);
void neap_key_free(neap_key *key);
uint32_t neap_key_verify(neap_key *key, uint32_t way, uint32_t bits, const char *bytes, size_t n,
			 const char *signature, size_t signature_n);

/* cdef end */

#endif
