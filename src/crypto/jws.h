/* Signatures of JSON Web Signatures by public keys (RFC 7518 §3, RFC 8037 §3.1). */
#ifndef NEAP_CRYPTO_JWS_H
#define NEAP_CRYPTO_JWS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum jws_way { JWS_PKCS1, JWS_PSS, JWS_ECDSA, JWS_EDDSA };
/* cdef end */

/*
 * Is it the key's signature of these bytes? `bits` names the digest: 256, 384 or 512. false, too, when
 * the key is of another kind than the way needs.
 */
bool jws_verify(EVP_PKEY *key, uint32_t way, uint32_t bits, const char *bytes, size_t n,
		const char *signature, size_t signature_n);

#endif
