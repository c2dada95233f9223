#include "crypto/public_key.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

enum { RSA_BITS_MIN = 2048, RSA_BITS_MAX = 8192, EXPONENT_BYTES_MAX = 8, COORDINATE_MAX = 66 };

static const struct curve {
	uint32_t kind;
	const char *name;
	size_t bytes; /* of a coordinate */
} curves[] = {
	{ PUBLIC_KEY_P256, SN_X9_62_prime256v1, 32 },
	{ PUBLIC_KEY_P384, SN_secp384r1, 48 },
	{ PUBLIC_KEY_P521, SN_secp521r1, 66 },
};

/* Not one that could be broken, nor one that makes each signature a burden. */
static EVP_PKEY *only_usable(EVP_PKEY *key)
{
	ERR_clear_error();
	if (key == NULL || public_key_kind(key) != PUBLIC_KEY_OTHER)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static EVP_PKEY *key_of(const char *type, OSSL_PARAM_BLD *parts)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(parts);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return only_usable(key);
}

static BIGNUM *number_of(const char *bytes, size_t n, size_t max)
{
	if (n == 0 || n > max)
		return NULL;
	return BN_bin2bn((const unsigned char *)bytes, (int)n, NULL);
}

EVP_PKEY *public_key_rsa(const char *modulus, size_t modulus_n, const char *exponent,
			 size_t exponent_n)
{
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	BIGNUM *n = number_of(modulus, modulus_n, RSA_BITS_MAX / CHAR_BIT + 1);
	BIGNUM *e = number_of(exponent, exponent_n, EXPONENT_BYTES_MAX);
	EVP_PKEY *key = NULL;

	if (parts != NULL && n != NULL && e != NULL && BN_is_odd(e) && !BN_is_one(e) &&
	    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(parts, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_of("RSA", parts);
	BN_free(n);
	BN_free(e);
	OSSL_PARAM_BLD_free(parts);
	return key;
}

EVP_PKEY *public_key_ec(uint32_t kind, const char *x, size_t x_n, const char *y, size_t y_n)
{
	unsigned char point[1 + 2 * COORDINATE_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
	const struct curve *curve = NULL;
	EVP_PKEY *key = NULL;

	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (curves[i].kind == kind)
			curve = &curves[i];
	}
	if (curve == NULL || x_n != curve->bytes || y_n != curve->bytes)
		return NULL;
	memcpy(point + 1, x, x_n);
	memcpy(point + 1 + x_n, y, y_n);
	OSSL_PARAM_BLD *parts = OSSL_PARAM_BLD_new();
	if (parts != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(parts, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) ==
		    1 &&
	    OSSL_PARAM_BLD_push_octet_string(parts, OSSL_PKEY_PARAM_PUB_KEY, point,
					     1 + 2 * curve->bytes) == 1)
		key = key_of("EC", parts);
	OSSL_PARAM_BLD_free(parts);
	return key;
}

EVP_PKEY *public_key_ed25519(const char *x, size_t n)
{
	return only_usable(
		EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)x, n));
}

/* OpenSSL's own would ask at the terminal. */
static int no_passphrase(char *to, int size, int is_writing, void *ctx)
{
	(void)to, (void)size, (void)is_writing, (void)ctx;
	return -1;
}

static EVP_PKEY *key_of_certificate(BIO *bio)
{
	X509 *certificate = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
	EVP_PKEY *key = certificate == NULL ? NULL : X509_get_pubkey(certificate);

	X509_free(certificate);
	return key;
}

EVP_PKEY *public_key_pem(const char *text, size_t n)
{
	BIO *bio = n > INT_MAX ? NULL : BIO_new_mem_buf(text, (int)n);
	EVP_PKEY *key = NULL;

	if (bio != NULL) {
		key = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
		if (key == NULL && BIO_reset(bio) == 1)
			key = key_of_certificate(bio);
	}
	BIO_free(bio);
	return only_usable(key);
}

static uint32_t kind_of_curve(const EVP_PKEY *key)
{
	char name[64];

	if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) != 1)
		return PUBLIC_KEY_OTHER;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(name, curves[i].name) == 0)
			return curves[i].kind;
	}
	return PUBLIC_KEY_OTHER;
}

uint32_t public_key_kind(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN &&
				       EVP_PKEY_get_bits(key) <= RSA_BITS_MAX
			       ? PUBLIC_KEY_RSA
			       : PUBLIC_KEY_OTHER;
	case EVP_PKEY_EC:
		return kind_of_curve(key);
	case EVP_PKEY_ED25519:
		return PUBLIC_KEY_ED25519;
	default:
		return PUBLIC_KEY_OTHER;
	}
}
