#include "crypto/csr.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/alt_name.h"

static bool add_name(X509_REQ *request, const char *name)
{
	STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *alt_name = alt_name_create(name);
	bool is_fine = extensions != NULL && alt_name != NULL &&
		       sk_X509_EXTENSION_push(extensions, alt_name) > 0;

	if (!is_fine)
		X509_EXTENSION_free(alt_name); /* else it is the stack's */
	is_fine = is_fine && X509_REQ_add_extensions(request, extensions) == 1;
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	return is_fine;
}

static bool fill_request(X509_REQ *request, EVP_PKEY *key, const char *name)
{
	return request != NULL && X509_REQ_set_version(request, X509_REQ_VERSION_1) == 1 &&
	       X509_REQ_set_pubkey(request, key) == 1 && add_name(request, name) &&
	       X509_REQ_sign(request, key, EVP_sha256()) > 0;
}

enum err csr_write(struct out *out, EVP_PKEY *key, const char *name, struct error *e)
{
	X509_REQ *request = X509_REQ_new();
	unsigned char *der = NULL;
	int n = fill_request(request, key, name) ? i2d_X509_REQ(request, &der) : -1;

	if (n > 0)
		out_str(out, (struct str){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	X509_REQ_free(request);
	ERR_clear_error();
	if (n <= 0 || out->full)
		return err_set(e, ERR_MEMORY, "the request for a certificate cannot be made");
	return ERR_OK;
}
