#include "crypto/common_name.h"

#include <openssl/x509.h>
#include <string.h>

static const ASN1_STRING *find(const X509 *certificate)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	return at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
}

size_t common_name_write(char *to, size_t size, const X509 *certificate)
{
	unsigned char *text = NULL;
	const ASN1_STRING *name = find(certificate);
	int n = name != NULL ? ASN1_STRING_to_UTF8(&text, name) : 0;
	if (n <= 0)
		return 0;
	size_t some = (size_t)n < size ? (size_t)n : size;
	memcpy(to, text, some);
	OPENSSL_free(text);
	return some;
}
