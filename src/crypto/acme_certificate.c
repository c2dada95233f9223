#include "crypto/acme_certificate.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>

#include "crypto/alt_name.h"
#include "crypto/ec_key.h"

enum { DIGEST_BYTES = 32, HOUR_S = 3600, LIFE_S = 7 * 24 * HOUR_S };

/* Takes over the extension. */
static bool add_extension(X509 *certificate, X509_EXTENSION *extension)
{
	bool is_fine = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return is_fine;
}

/* acmeIdentifier, critical: an OCTET STRING in the extension's own. */
static X509_EXTENSION *identifier_create(struct str authorization)
{
	unsigned char bytes[2 + DIGEST_BYTES] = { V_ASN1_OCTET_STRING, DIGEST_BYTES };
	ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *made = NULL;

	if (id != NULL && value != NULL &&
	    EVP_Digest(authorization.p, authorization.n, bytes + 2, NULL, EVP_sha256(), NULL) ==
		    1 &&
	    ASN1_OCTET_STRING_set(value, bytes, sizeof(bytes)) == 1)
		made = X509_EXTENSION_create_by_OBJ(NULL, id, 1, value);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(id);
	return made;
}

/* Subject and issuer are the same. */
static bool set_names(X509 *certificate)
{
	X509_NAME *name = X509_get_subject_name(certificate);
	static const unsigned char text[] = "ACME challenge";

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(certificate, name) == 1;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key, const char *name,
			     struct str authorization)
{
	return X509_set_version(certificate, X509_VERSION_3) == 1 &&
	       ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
	       X509_gmtime_adj(X509_getm_notBefore(certificate), -HOUR_S) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(certificate), LIFE_S) != NULL &&
	       X509_set_pubkey(certificate, key) == 1 && set_names(certificate) &&
	       add_extension(certificate, alt_name_create(name)) &&
	       add_extension(certificate, identifier_create(authorization)) &&
	       X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool write_pem(struct out *out, X509 *certificate)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	bool is_made = bio != NULL && PEM_write_bio_X509(bio, certificate) == 1;
	long n = is_made ? BIO_get_mem_data(bio, &text) : 0;

	if (n > 0)
		out_str(out, (struct str){ text, (size_t)n });
	BIO_free(bio);
	return n > 0 && !out->full;
}

enum err acme_certificate_write(struct out *out, const char *name, struct str authorization,
				struct error *e)
{
	EVP_PKEY *key;
	enum err err = ec_key_create(&key, e);

	if (err != ERR_OK)
		return err;
	X509 *certificate = X509_new();
	bool is_made = certificate != NULL &&
		       fill_certificate(certificate, key, name, authorization) &&
		       write_pem(out, certificate);
	X509_free(certificate);
	ERR_clear_error();
	err = is_made ? ec_key_write(out, key, e)
		      : err_set(e, ERR_MEMORY, "the challenge's certificate cannot be made");
	EVP_PKEY_free(key);
	return err;
}
