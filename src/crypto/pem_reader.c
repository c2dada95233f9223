#include "crypto/pem_reader.h"

#include <openssl/decoder.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "base/fnv.h"
#include "crypto/fault.h"
#include "crypto/pem_text.h"

enum { SHARED_MAX = 64 };

struct shared {
	uint64_t hash;
	unsigned char *der; /* OpenSSL's memory */
	long n;
	X509 *certificate;
};

struct pem_reader {
	OSSL_DECODER_CTX *decoders;
	EVP_PKEY *key; /* where they leave what they decoded */
	struct shared shared[SHARED_MAX];
	unsigned shared_n, oldest;
};

enum err pem_reader_create(struct pem_reader **r, struct error *e)
{
	struct pem_reader *made = calloc(1, sizeof(*made));

	if (made != NULL)
		made->decoders = OSSL_DECODER_CTX_new_for_pkey(&made->key, "DER", NULL, NULL,
							       EVP_PKEY_KEYPAIR, NULL, NULL);
	fault_drop();
	if (made == NULL || made->decoders == NULL) {
		free(made);
		return err_set(e, ERR_MEMORY, "no memory for certificates");
	}
	(void)OSSL_DECODER_CTX_set_pem_password_cb(made->decoders, pem_text_no_passphrase, NULL);
	*r = made;
	return ERR_OK;
}

static void forget(struct shared *s)
{
	X509_free(s->certificate);
	OPENSSL_free(s->der);
}

void pem_reader_destroy(struct pem_reader *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < r->shared_n; i++)
		forget(&r->shared[i]);
	OSSL_DECODER_CTX_free(r->decoders);
	free(r);
}

/* ---- certificates ---- */

static X509 *find(const struct pem_reader *r, uint64_t hash, const unsigned char *der, long n)
{
	for (unsigned i = 0; i < r->shared_n; i++) {
		const struct shared *s = &r->shared[i];
		if (s->hash == hash && s->n == n && memcmp(s->der, der, (size_t)n) == 0)
			return s->certificate;
	}
	return NULL;
}

static void keep(struct pem_reader *r, const struct shared *one)
{
	if (r->shared_n < SHARED_MAX) {
		r->shared[r->shared_n++] = *one;
		return;
	}
	forget(&r->shared[r->oldest]);
	r->shared[r->oldest] = *one;
	r->oldest = (r->oldest + 1) % SHARED_MAX;
}

static X509 *decode(const unsigned char *der, long n)
{
	return d2i_X509(NULL, &der, n);
}

/* Takes over der. */
static X509 *share(struct pem_reader *r, unsigned char *der, long n)
{
	uint64_t hash = fnv_add(fnv_start, der, (size_t)n);
	X509 *known = find(r, hash, der, n);
	struct shared one = { hash, der, n, known == NULL ? decode(der, n) : NULL };

	if (known == NULL && one.certificate != NULL) {
		known = one.certificate;
		keep(r, &one);
	} else {
		OPENSSL_free(der);
	}
	return known != NULL && X509_up_ref(known) == 1 ? known : NULL;
}

X509 *pem_reader_certificate(struct pem_reader *r, BIO *from, bool is_shared)
{
	unsigned char *der = NULL;
	long n = 0;

	if (PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_X509, from, pem_text_no_passphrase,
			       NULL) != 1)
		return NULL;
	if (r != NULL && is_shared)
		return share(r, der, n);
	X509 *certificate = decode(der, n);
	OPENSSL_free(der);
	return certificate;
}

/* ---- keys ---- */

static EVP_PKEY *decode_key(struct pem_reader *r, BIO *from)
{
	unsigned char *der = NULL;
	long n = 0;

	if (PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_EVP_PKEY, from, pem_text_no_passphrase,
			       NULL) != 1)
		return NULL;
	const unsigned char *at = der;
	size_t left = (size_t)n;
	r->key = NULL;
	EVP_PKEY *key = OSSL_DECODER_from_data(r->decoders, &at, &left) == 1 ? r->key : NULL;
	OPENSSL_clear_free(der, (size_t)n);
	return key;
}

EVP_PKEY *pem_reader_key(struct pem_reader *r, BIO *from)
{
	EVP_PKEY *key = r != NULL ? decode_key(r, from) : NULL;

	if (key != NULL)
		return key;
	fault_drop();
	(void)BIO_reset(from); /* what the decoders do not take is read the long way */
	return PEM_read_bio_PrivateKey(from, NULL, pem_text_no_passphrase, NULL);
}
