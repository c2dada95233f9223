#include "crypto/record_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

/* RFC 8446 §5.5: fewer than 2^24.5 full records under one key of AES-GCM. */
static const uint64_t WORN_RECORDS = (uint64_t)1 << 24;

enum { COPIED_BYTES = 1024, KEY_BYTES_MAX = 32 };

struct record_suite {
	uint16_t number;
	uint8_t key_bytes, secret_bytes;
	char *digest;
	const EVP_CIPHER *(*cipher)(void);
};

/* OpenSSL's parameters have no const. */
static char sha256[] = "SHA256", sha384[] = "SHA384";

static const struct record_suite suites[] = {
	{ 0x1301, 16, 32, sha256, EVP_aes_128_gcm },
	{ 0x1302, 32, 48, sha384, EVP_aes_256_gcm },
	{ 0x1303, 32, 32, sha256, EVP_chacha20_poly1305 },
};

const struct record_suite *record_suite_of(uint16_t number)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		if (suites[i].number == number)
			return &suites[i];
	}
	return NULL;
}

/* ---- keys ---- */

/* HKDF-Expand-Label without a context (RFC 8446 §7.1). */
static bool expand(const struct record_keys *k, const char *label, uint8_t *to, size_t n)
{
	static char prefix[] = "tls13 ";
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, k->suite->digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)k->secret,
						  k->suite->secret_bytes),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, 6),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (void *)(uintptr_t)label,
						  strlen(label)),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
	bool is_made = context != NULL && EVP_KDF_derive(context, to, n, parameters) == 1;

	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	return is_made;
}

static bool make_keys(struct record_keys *k)
{
	uint8_t key[KEY_BYTES_MAX];
	bool is_made =
		expand(k, "key", key, k->suite->key_bytes) &&
		expand(k, "iv", k->iv, sizeof(k->iv)) &&
		EVP_CipherInit_ex(k->cipher, k->suite->cipher(), NULL, key, NULL, k->seals) == 1;

	OPENSSL_cleanse(key, sizeof(key));
	return is_made;
}

bool record_keys_begin(struct record_keys *k, const struct record_suite *suite, bool seals)
{
	k->suite = suite;
	k->seals = seals;
	if (k->secret_n != suite->secret_bytes)
		return false; /* the bytes that are missing would be known to everybody */
	k->cipher = EVP_CIPHER_CTX_new();
	if (k->cipher != NULL && make_keys(k))
		return true;
	EVP_CIPHER_CTX_free(k->cipher);
	k->cipher = NULL;
	return false;
}

void record_keys_end(struct record_keys *k)
{
	EVP_CIPHER_CTX_free(k->cipher);
	OPENSSL_cleanse(k, sizeof(*k));
}

bool record_keys_update(struct record_keys *k)
{
	uint8_t next[RECORD_SECRET_MAX];

	if (k->cipher != NULL && expand(k, "traffic upd", next, k->suite->secret_bytes)) {
		memcpy(k->secret, next, k->suite->secret_bytes);
		OPENSSL_cleanse(next, sizeof(next));
		k->sequence = 0;
		if (make_keys(k))
			return true;
	}
	record_keys_end(k);
	return false;
}

bool record_keys_are_worn(const struct record_keys *k)
{
	return k->sequence >= WORN_RECORDS;
}

/* ---- records ---- */

/* The nonce of the next record, and its header as what is authenticated besides (§5.2, §5.3). */
static bool begin_record(struct record_keys *k, const char *header)
{
	uint8_t nonce[RECORD_IV_BYTES];
	uint64_t sequence = k->sequence++;
	int n;

	memcpy(nonce, k->iv, sizeof(nonce));
	for (int i = RECORD_IV_BYTES - 1; sequence != 0; i--, sequence >>= 8)
		nonce[i] ^= (uint8_t)sequence;
	return k->cipher != NULL &&
	       EVP_CipherInit_ex(k->cipher, NULL, NULL, NULL, nonce, k->seals) == 1 &&
	       EVP_CipherUpdate(k->cipher, NULL, &n, (const unsigned char *)header,
				RECORD_HEADER_BYTES) == 1;
}

static bool crypt(struct record_keys *k, char *to, const char *from, size_t n)
{
	int done;

	return EVP_CipherUpdate(k->cipher, (unsigned char *)to, &done, (const unsigned char *)from,
				(int)n) == 1;
}

/* Short ones are joined: each call of OpenSSL costs as much as hundreds of bytes. */
static bool seal_copied(struct record_keys *k, char type, const struct iovec *pieces, size_t n,
			char *to)
{
	for (size_t at = 0; at < n; at += pieces++->iov_len) {
		size_t here = pieces->iov_len < n - at ? pieces->iov_len : n - at;
		memcpy(to + at, pieces->iov_base, here);
	}
	to[n] = type;
	return crypt(k, to, to, n + 1);
}

static bool seal_pieces(struct record_keys *k, char type, const struct iovec *pieces, size_t n,
			char *to)
{
	for (size_t at = 0; at < n; at += pieces++->iov_len) {
		size_t here = pieces->iov_len < n - at ? pieces->iov_len : n - at;
		if (!crypt(k, to + at, pieces->iov_base, here))
			return false;
	}
	return crypt(k, to + n, &type, 1);
}

bool record_seal(struct record_keys *k, enum record_type type, const struct iovec *pieces, size_t n,
		 char *to)
{
	size_t after = n + 1 + RECORD_TAG_BYTES;
	char *content = to + RECORD_HEADER_BYTES;
	int rest;

	to[0] = RECORD_DATA;
	to[1] = to[2] = 3; /* TLS 1.2, for ever */
	to[3] = (char)(after >> 8);
	to[4] = (char)after;
	if (!begin_record(k, to))
		return false;
	bool is_sealed = n <= COPIED_BYTES ? seal_copied(k, (char)type, pieces, n, content)
					   : seal_pieces(k, (char)type, pieces, n, content);
	unsigned char *tag = (unsigned char *)content + n + 1;
	return is_sealed && EVP_CipherFinal_ex(k->cipher, tag, &rest) == 1 &&
	       EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_GET_TAG, RECORD_TAG_BYTES, tag) == 1;
}

bool record_open(struct record_keys *k, const char *from, size_t n, char *to)
{
	size_t sealed = n - RECORD_TAG_BYTES;
	const char *content = from + RECORD_HEADER_BYTES;
	unsigned char tag[RECORD_TAG_BYTES];
	int rest;

	memcpy(tag, content + sealed, sizeof(tag));
	return begin_record(k, from) &&
	       EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, RECORD_TAG_BYTES, tag) == 1 &&
	       crypt(k, to, content, sealed) &&
	       EVP_CipherFinal_ex(k->cipher, (unsigned char *)to + sealed, &rest) == 1;
}
