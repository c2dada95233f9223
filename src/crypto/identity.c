#include "crypto/identity.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/epoch.h"
#include "crypto/fault.h"

static void drop(struct str *text)
{
	free((void *)(uintptr_t)text->p);
	*text = (struct str){ "", 0 };
}

void identity_destroy(struct identity *i)
{
	if (i == NULL)
		return;
	drop(&i->subject);
	drop(&i->issuer);
	drop(&i->serial);
	drop(&i->names);
	drop(&i->field);
	free(i);
}

/* ---- texts ---- */

/* What was written to `from`, which ends here. False: no memory. */
static bool take(BIO *from, struct str *to)
{
	char *bytes = NULL;
	long n = from != NULL ? BIO_get_mem_data(from, &bytes) : -1;
	char *copy = n >= 0 ? malloc((size_t)n + 1) : NULL;
	if (copy != NULL) {
		if (n > 0)
			memcpy(copy, bytes, (size_t)n);
		*to = (struct str){ copy, (size_t)n };
	}
	BIO_free(from);
	return copy != NULL;
}

static bool write_name(const X509_NAME *name, struct str *to)
{
	BIO *out = BIO_new(BIO_s_mem());
	if (out != NULL)
		(void)X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	return take(out, to);
}

/* In hex, on one line however long it is: i2a_ASN1_INTEGER would break it. */
static bool write_serial(const X509 *x, struct str *to)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	const unsigned char *bytes = ASN1_STRING_get0_data(serial);
	BIO *out = BIO_new(BIO_s_mem());
	if (out != NULL && ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER)
		(void)BIO_puts(out, "-");
	for (int i = 0; out != NULL && i < ASN1_STRING_length(serial); i++)
		(void)BIO_printf(out, "%02X", bytes[i]);
	return take(out, to);
}

static void write_fingerprint(const X509 *x, char to[IDENTITY_FINGERPRINT_CHARS + 1])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	(void)X509_digest(x, EVP_sha256(), digest, &n);
	for (unsigned i = 0; i < n && i < IDENTITY_FINGERPRINT_CHARS / 2; i++) {
		*to++ = digits[digest[i] >> 4];
		*to++ = digits[digest[i] & 15];
	}
	*to = '\0';
}

static bool write_field(const X509 *x, struct str *to)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	char *text = n > 0 ? malloc((size_t)n / 3 * 4 + 8) : NULL;
	if (text != NULL) {
		text[0] = ':';
		size_t chars = (size_t)EVP_EncodeBlock((unsigned char *)text + 1, der, n);
		text[chars + 1] = ':';
		*to = (struct str){ text, chars + 2 };
	}
	OPENSSL_free(der);
	return text != NULL;
}

/* ---- names ---- */

static bool is_printable(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return false;
	}
	return text.n > 0 && text.n <= UINT16_MAX;
}

static void add_name(BIO *out, struct str name)
{
	const unsigned char length[] = { (unsigned char)(name.n >> 8), (unsigned char)name.n };
	if (!is_printable(name))
		return;
	(void)BIO_write(out, length, sizeof(length));
	(void)BIO_write(out, name.p, (int)name.n);
}

static void add_host(BIO *out, struct str name)
{
	char lower[256];
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n >= sizeof(lower))
		return;
	for (size_t i = 0; i < name.n; i++)
		lower[i] = str_lower_char(name.p[i]);
	add_name(out, (struct str){ lower, name.n });
}

static void add_ip(BIO *out, struct str bytes)
{
	char text[INET6_ADDRSTRLEN];
	int family = bytes.n == 4 ? AF_INET : bytes.n == 16 ? AF_INET6 : AF_UNSPEC;
	if (inet_ntop(family, bytes.p, text, sizeof(text)) != NULL)
		add_name(out, str_of(text));
}

static struct str bytes_of(const ASN1_STRING *s)
{
	return (struct str){ (const char *)ASN1_STRING_get0_data(s),
			     (size_t)ASN1_STRING_length(s) };
}

static void add_general_name(BIO *out, const GENERAL_NAME *name)
{
	switch (name->type) {
	case GEN_DNS:
		add_host(out, bytes_of(name->d.dNSName));
		break;
	case GEN_EMAIL:
		add_name(out, bytes_of(name->d.rfc822Name));
		break;
	case GEN_URI:
		add_name(out, bytes_of(name->d.uniformResourceIdentifier));
		break;
	case GEN_IPADD:
		add_ip(out, bytes_of(name->d.iPAddress));
		break;
	default:
		break;
	}
}

static bool write_names(const X509 *x, struct str *to)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	BIO *out = BIO_new(BIO_s_mem());
	for (int i = 0; out != NULL && i < sk_GENERAL_NAME_num(names); i++)
		add_general_name(out, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return take(out, to);
}

struct identity *identity_create(X509 *x)
{
	struct identity *i = calloc(1, sizeof(*i));
	bool is_whole = i != NULL && write_name(X509_get_subject_name(x), &i->subject) &&
			write_name(X509_get_issuer_name(x), &i->issuer) &&
			write_serial(x, &i->serial) && write_names(x, &i->names) &&
			write_field(x, &i->field);
	fault_drop();
	if (!is_whole) {
		identity_destroy(i);
		return NULL;
	}
	write_fingerprint(x, i->fingerprint);
	i->not_after = epoch_seconds(X509_get0_notAfter(x));
	return i;
}
