/* Digests, random bytes and public keys for Lua. A neap_key is an EVP_PKEY. */
#include "script/abi_crypto.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include "base/cc.h"
#include "crypto/digests.h"
#include "crypto/jws.h"
#include "crypto/public_key.h"

NEAP_API uint32_t neap_digest(uint32_t bits, const char *bytes, size_t n, uint8_t *to)
{
	return digests_make(bits, bytes, n, to);
}

NEAP_API uint32_t neap_mac(uint32_t bits, const char *key, size_t key_n, const char *bytes,
			   size_t n, uint8_t *to)
{
	return digests_mac(bits, key, key_n, bytes, n, to);
}

NEAP_API uint32_t neap_bytes_equal(const char *a, const char *b, size_t n)
{
	return digests_are_equal(a, b, n);
}

NEAP_API uint32_t neap_random_bytes(uint8_t *to, size_t n)
{
	return getrandom(to, n, 0) == (ssize_t)n;
}

NEAP_API neap_key *neap_key_rsa(const char *modulus, size_t modulus_n, const char *exponent,
				size_t exponent_n)
{
	return (neap_key *)public_key_rsa(modulus, modulus_n, exponent, exponent_n);
}

NEAP_API neap_key *neap_key_ec(uint32_t curve, const char *x, size_t x_n, const char *y, size_t y_n)
{
	return (neap_key *)public_key_ec(curve, x, x_n, y, y_n);
}

NEAP_API neap_key *neap_key_ed25519(const char *x, size_t n)
{
	return (neap_key *)public_key_ed25519(x, n);
}

NEAP_API neap_key *neap_key_pem(const char *text, size_t n)
{
	return (neap_key *)public_key_pem(text, n);
}

NEAP_API uint32_t neap_key_kind(const neap_key *key)
{
	return key == NULL ? PUBLIC_KEY_OTHER : public_key_kind((const EVP_PKEY *)key);
}

NEAP_API void neap_key_free(neap_key *key)
{
	EVP_PKEY_free((EVP_PKEY *)key);
}

NEAP_API uint32_t neap_key_verify(neap_key *key, uint32_t way, uint32_t bits, const char *bytes,
				  size_t n, const char *signature, size_t signature_n)
{
	return jws_verify((EVP_PKEY *)key, way, bits, bytes, n, signature, signature_n);
}
