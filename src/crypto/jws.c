#include "crypto/jws.h"

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "crypto/public_key.h"

enum { SIGNATURE_MAX = 160 }; /* of ECDSA, as DER */

static bool fits(const EVP_PKEY *key, uint32_t way, uint32_t bits)
{
	uint32_t kind = public_key_kind(key);

	switch (way) {
	case JWS_PKCS1:
	case JWS_PSS:
		return kind == PUBLIC_KEY_RSA;
	case JWS_ECDSA:
		return (kind == PUBLIC_KEY_P256 && bits == 256) ||
		       (kind == PUBLIC_KEY_P384 && bits == 384) ||
		       (kind == PUBLIC_KEY_P521 && bits == 512);
	case JWS_EDDSA:
		return kind == PUBLIC_KEY_ED25519;
	default:
		return false;
	}
}

static const EVP_MD *digest_of(uint32_t way, uint32_t bits)
{
	if (way == JWS_EDDSA)
		return NULL;
	return bits == 256 ? EVP_sha256() : bits == 384 ? EVP_sha384() : EVP_sha512();
}

/* From R and S in a row to DER; its length, 0: it is none. */
static size_t pack_signature(unsigned char der[SIGNATURE_MAX], const EVP_PKEY *key,
			     const char *pair, size_t n)
{
	size_t half = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
	const unsigned char *bytes = (const unsigned char *)pair;
	unsigned char *at = der;
	int length = 0;

	if (n != 2 * half)
		return 0;
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(bytes, (int)half, NULL),
	       *s = BN_bin2bn(bytes + half, (int)half, NULL);
	if (signature != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
		if (i2d_ECDSA_SIG(signature, NULL) <= SIGNATURE_MAX)
			length = i2d_ECDSA_SIG(signature, &at);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(signature);
	return length > 0 ? (size_t)length : 0;
}

static bool set_padding(EVP_PKEY_CTX *ctx, uint32_t way)
{
	if (way == JWS_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
	if (way == JWS_PSS)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
	return true;
}

bool jws_verify(EVP_PKEY *key, uint32_t way, uint32_t bits, const char *bytes, size_t n,
		const char *signature, size_t signature_n)
{
	unsigned char der[SIGNATURE_MAX];
	const unsigned char *signed_by = (const unsigned char *)signature;
	EVP_PKEY_CTX *ctx = NULL;

	if (key == NULL || !fits(key, way, bits))
		return false;
	if (way == JWS_ECDSA) {
		signature_n = pack_signature(der, key, signature, signature_n);
		signed_by = der;
		if (signature_n == 0)
			return false;
	}
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	bool is_good = digest != NULL &&
		       EVP_DigestVerifyInit(digest, &ctx, digest_of(way, bits), NULL, key) == 1 &&
		       set_padding(ctx, way) &&
		       EVP_DigestVerify(digest, signed_by, signature_n,
					(const unsigned char *)bytes, n) == 1;
	EVP_MD_CTX_free(digest);
	ERR_clear_error();
	return is_good;
}
