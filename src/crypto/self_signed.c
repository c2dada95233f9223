#include "crypto/self_signed.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto/epoch.h"
#include "crypto/fault.h"
#include "crypto/pem_text.h"

enum { HOUR = 3600, DAY = 24 * HOUR, HOST_MAX = 256, NAMES_MAX = HOST_MAX + 64, LEFT_DAYS = 7 };

/* This machine's name if a certificate may have it, else "". */
static void find_host(char to[HOST_MAX])
{
	static const char usual[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	if (gethostname(to, HOST_MAX) != 0)
		to[0] = '\0';
	to[HOST_MAX - 1] = '\0';
	if (to[strspn(to, usual)] != '\0' || strcmp(to, "localhost") == 0)
		to[0] = '\0';
}

static void find_names(char to[NAMES_MAX])
{
	char host[HOST_MAX];

	find_host(host);
	(void)snprintf(to, NAMES_MAX, "DNS:localhost,IP:127.0.0.1,IP:::1%s%s",
		       host[0] != '\0' ? ",DNS:" : "", host);
}

static bool add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool is_added = extension != NULL && X509_add_ext(x, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return is_added;
}

static bool set_names(X509 *x)
{
	char names[NAMES_MAX];
	X509_NAME *subject = X509_get_subject_name(x);
	const unsigned char *common = (const unsigned char *)"neap, self-signed";

	find_names(names);
	return X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, common, -1, -1,
					  0) == 1 &&
	       X509_set_issuer_name(x, subject) == 1 &&
	       add_extension(x, NID_subject_alt_name, names);
}

static bool set_number(X509 *x)
{
	unsigned char bytes[16];
	BIGNUM *number = NULL;
	bool is_set = RAND_bytes(bytes, sizeof(bytes)) == 1;

	bytes[0] &= 0x7f; /* a positive one */
	if (is_set)
		number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	is_set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
	BN_free(number);
	return is_set;
}

/* An hour back, for clients whose clock is behind. */
static bool set_dates(X509 *x)
{
	return X509_gmtime_adj(X509_getm_notBefore(x), -HOUR) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(x), (long)SELF_SIGNED_DAYS * DAY) != NULL;
}

static bool fill(X509 *x, EVP_PKEY *key)
{
	return X509_set_version(x, X509_VERSION_3) == 1 && set_number(x) && set_dates(x) &&
	       X509_set_pubkey(x, key) == 1 && set_names(x) &&
	       add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, NID_ext_key_usage, "serverAuth") &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

static bool print(BIO *to, X509 *x, EVP_PKEY *key)
{
	return PEM_write_bio_X509(to, x) == 1 &&
	       PEM_write_bio_PKCS8PrivateKey(to, key, NULL, NULL, 0, NULL, NULL) == 1;
}

static bool copy_out(BIO *from, char *to, size_t size, struct str *pem)
{
	char *bytes;
	long n = BIO_get_mem_data(from, &bytes);

	if (n <= 0 || (size_t)n >= size)
		return false;
	memcpy(to, bytes, (size_t)n);
	to[n] = '\0';
	*pem = (struct str){ to, (size_t)n };
	return true;
}

enum err self_signed_make(char *to, size_t size, struct str *pem, struct error *e)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *text = BIO_new(BIO_s_secmem());
	bool is_made = key != NULL && x != NULL && text != NULL && fill(x, key) &&
		       print(text, x, key) && copy_out(text, to, size, pem);

	BIO_free(text);
	X509_free(x);
	EVP_PKEY_free(key);
	if (!is_made)
		return fault_set(e, ERR_SYSTEM, "a self-signed certificate cannot be made");
	return ERR_OK;
}

static bool has_names(const X509 *x)
{
	char names[NAMES_MAX];
	int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1);
	X509_EXTENSION *own = at < 0 ? NULL : X509_get_ext(x, at);

	find_names(names);
	X509_EXTENSION *wanted = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	bool has_them = own != NULL && wanted != NULL &&
			ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(own),
					      X509_EXTENSION_get_data(wanted)) == 0;
	X509_EXTENSION_free(wanted);
	return has_them;
}

bool self_signed_is_current(struct str pem, int64_t now_s)
{
	BIO *from = pem_text_open(pem);
	X509 *x = from == NULL ? NULL : PEM_read_bio_X509(from, NULL, pem_text_no_passphrase, NULL);
	bool is_current = x != NULL && has_names(x) &&
			  epoch_seconds(X509_get0_notAfter(x)) - now_s > LEFT_DAYS * DAY;

	X509_free(x);
	BIO_free(from);
	fault_drop();
	return is_current;
}

void self_signed_wipe(char *text, size_t size)
{
	OPENSSL_cleanse(text, size);
}
