#include "crypto/fault.h"

#include <openssl/err.h>
#include <openssl/pemerr.h>
#include <openssl/sslerr.h>
#include <openssl/x509err.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
	int library, reason;
	const char *words;
} plain[] = {
	{ ERR_LIB_PEM, PEM_R_NO_START_LINE, "no PEM block of that kind is there" },
	{ ERR_LIB_PEM, PEM_R_BAD_END_LINE, "a PEM block has no end" },
	{ ERR_LIB_PEM, PEM_R_BAD_BASE64_DECODE, "a PEM block is damaged" },
	{ ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ,
	  "it is encrypted, and a passphrase is never asked for" },
	{ ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH, "the key does not belong to the certificate" },
	{ ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH, "the key does not belong to the certificate" },
	{ ERR_LIB_SSL, SSL_R_EE_KEY_TOO_SMALL,
	  "the key of the certificate is too short to be safe" },
	{ ERR_LIB_SSL, SSL_R_CA_KEY_TOO_SMALL, "the key of a certificate authority is too short" },
	{ ERR_LIB_SSL, SSL_R_CA_MD_TOO_WEAK,
	  "a certificate is signed with a digest that is broken" },
};

static const char *words_of(unsigned long code)
{
	static char other[160];
	for (size_t i = 0; i < countof(plain); i++) {
		if (ERR_GET_LIB(code) == plain[i].library &&
		    ERR_GET_REASON(code) == plain[i].reason)
			return plain[i].words;
	}
	if (ERR_GET_LIB(code) == ERR_LIB_ASN1 || ERR_GET_LIB(code) == ERR_LIB_OSSL_DECODER)
		return "it is damaged, or of a kind that OpenSSL does not know";
	const char *reason = ERR_reason_error_string(code);
	if (reason == NULL)
		return "OpenSSL gives no reason";
	(void)snprintf(other, sizeof(other), "%s", reason);
	return other;
}

/* The first that was queued is the cause; those after it tell who passed it on. */
const char *fault_take(void)
{
	unsigned long code = ERR_peek_error();
	ERR_clear_error();
	return code == 0 ? "OpenSSL gives no reason" : words_of(code);
}

void fault_drop(void)
{
	if (ERR_peek_error() != 0) /* to clear an empty queue costs far more than to look */
		ERR_clear_error();
}

enum err fault_set(struct error *e, enum err code, const char *format, ...)
{
	char said[512];
	va_list values;

	va_start(values, format);
	(void)vsnprintf(said, sizeof(said), format, values);
	va_end(values);
	return err_set(e, code, "%s: %s", said, fault_take());
}
