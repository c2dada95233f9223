#include "crypto/jose.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#include "crypto/base64url.h"

enum { COORDINATE_BYTES = 32, DER_MAX = 128 };

static struct str bytes_of(const unsigned char *p, size_t n)
{
	return (struct str){ (const char *)p, n };
}

static enum err fail_jose(struct error *e, const char *what)
{
	ERR_clear_error();
	return err_set(e, ERR_MEMORY, "%s", what);
}

/* Appends a coordinate of the public key, with all its leading zeros. */
static bool write_coordinate(struct out *out, const EVP_PKEY *key, const char *name)
{
	unsigned char bytes[COORDINATE_BYTES];
	BIGNUM *number = NULL;
	bool is_fine = EVP_PKEY_get_bn_param(key, name, &number) == 1 &&
		       BN_bn2binpad(number, bytes, sizeof(bytes)) == COORDINATE_BYTES;

	BN_free(number);
	if (is_fine)
		base64url_write(out, bytes_of(bytes, sizeof(bytes)));
	return is_fine;
}

enum err jose_jwk(struct out *out, const EVP_PKEY *key, struct error *e)
{
	out_str(out, STR("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""));
	if (!write_coordinate(out, key, OSSL_PKEY_PARAM_EC_PUB_X))
		return fail_jose(e, "the public key cannot be read");
	out_str(out, STR("\",\"y\":\""));
	if (!write_coordinate(out, key, OSSL_PKEY_PARAM_EC_PUB_Y))
		return fail_jose(e, "the public key cannot be read");
	out_str(out, STR("\"}"));
	return out->full ? fail_jose(e, "there is no room for the public key") : ERR_OK;
}

/* A signature as OpenSSL makes it (DER). Its length; 0: it failed. */
static size_t make_signature(unsigned char der[DER_MAX], EVP_PKEY *key, struct str bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = DER_MAX;
	bool is_made = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		       EVP_DigestSign(ctx, der, &n, (const unsigned char *)bytes.p, bytes.n) == 1;

	EVP_MD_CTX_free(ctx);
	return is_made ? n : 0;
}

/* From DER to R and S in a row. */
static bool unpack_signature(unsigned char to[2 * COORDINATE_BYTES], const unsigned char *der,
			     size_t n)
{
	const unsigned char *at = der;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)n);
	bool is_fine =
		pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), to, COORDINATE_BYTES) > 0 &&
		BN_bn2binpad(ECDSA_SIG_get0_s(pair), to + COORDINATE_BYTES, COORDINATE_BYTES) > 0;

	ECDSA_SIG_free(pair);
	return is_fine;
}

enum err jose_sign(struct out *out, EVP_PKEY *key, struct str bytes, struct error *e)
{
	unsigned char der[DER_MAX], pair[2 * COORDINATE_BYTES];
	size_t n = make_signature(der, key, bytes);

	if (n == 0 || !unpack_signature(pair, der, n))
		return fail_jose(e, "the key cannot sign");
	base64url_write(out, bytes_of(pair, sizeof(pair)));
	return out->full ? fail_jose(e, "there is no room for the signature") : ERR_OK;
}

enum err jose_digest(struct out *out, struct str bytes, struct error *e)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (EVP_Digest(bytes.p, bytes.n, digest, &n, EVP_sha256(), NULL) != 1)
		return fail_jose(e, "SHA-256 failed");
	base64url_write(out, bytes_of(digest, n));
	return out->full ? fail_jose(e, "there is no room for the digest") : ERR_OK;
}

enum err jose_mac(struct out *out, struct str secret, struct str bytes, struct error *e)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (secret.n > INT_MAX || HMAC(EVP_sha256(), secret.p, (int)secret.n,
				       (const unsigned char *)bytes.p, bytes.n, mac, &n) == NULL)
		return fail_jose(e, "HMAC failed");
	base64url_write(out, bytes_of(mac, n));
	return out->full ? fail_jose(e, "there is no room for the digest") : ERR_OK;
}
