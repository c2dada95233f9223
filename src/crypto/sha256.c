#include "crypto/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

void sha256_init(struct sha256 *s)
{
	s->openssl = EVP_MD_CTX_new();
	if (s->openssl != NULL)
		(void)EVP_DigestInit_ex2(s->openssl, EVP_sha256(), NULL);
}

void sha256_add(struct sha256 *s, const void *bytes, size_t n)
{
	if (s->openssl != NULL)
		(void)EVP_DigestUpdate(s->openssl, bytes, n);
}

void sha256_end(struct sha256 *s, uint8_t digest[SHA256_BYTES])
{
	if (s->openssl == NULL || EVP_DigestFinal_ex(s->openssl, digest, NULL) != 1)
		memset(digest, 0, SHA256_BYTES);
	EVP_MD_CTX_free(s->openssl);
	s->openssl = NULL;
}

void sha256_hmac(const void *key, size_t key_n, const void *bytes, size_t n,
		 uint8_t digest[SHA256_BYTES])
{
	unsigned length = SHA256_BYTES;
	if (key_n > INT32_MAX ||
	    HMAC(EVP_sha256(), key, (int)key_n, bytes, n, digest, &length) == NULL)
		memset(digest, 0, SHA256_BYTES);
}
