#include "crypto/digests.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

static const EVP_MD *digest_of(uint32_t bits)
{
	switch (bits) {
	case 1:
		return EVP_sha1();
	case 256:
		return EVP_sha256();
	case 384:
		return EVP_sha384();
	case 512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

uint32_t digests_make(uint32_t bits, const char *bytes, size_t n, uint8_t to[DIGESTS_BYTES_MAX])
{
	const EVP_MD *digest = digest_of(bits);
	unsigned length = 0;

	if (digest != NULL && EVP_Digest(bytes, n, to, &length, digest, NULL) == 1)
		return length;
	ERR_clear_error();
	return 0;
}

uint32_t digests_mac(uint32_t bits, const char *key, size_t key_n, const char *bytes, size_t n,
		     uint8_t to[DIGESTS_BYTES_MAX])
{
	const EVP_MD *digest = digest_of(bits);
	unsigned length = 0;

	if (digest != NULL && key_n <= INT32_MAX &&
	    HMAC(digest, key, (int)key_n, (const unsigned char *)bytes, n, to, &length) != NULL)
		return length;
	ERR_clear_error();
	return 0;
}

bool digests_are_equal(const char *a, const char *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}
