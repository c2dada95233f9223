#include "crypto/binary.h"

#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "crypto/fault.h"

/* A sequence of so many bytes, as all of them begin (X.690). */
static bool is_der(struct str bytes)
{
	if (bytes.n <= 2 || bytes.n > INT32_MAX || bytes.p[0] != 0x30)
		return false;
	unsigned char length = (unsigned char)bytes.p[1];
	return (length & 0xf0) == 0x80 || (size_t)length + 2 == bytes.n;
}

static bool is_pkcs12(struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	PKCS12 *found = d2i_PKCS12(NULL, &p, (long)bytes.n);
	bool is_it = found != NULL;

	PKCS12_free(found);
	return is_it;
}

static bool is_key(struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;
	EVP_PKEY *found = d2i_AutoPrivateKey(NULL, &p, (long)bytes.n);
	bool is_it = found != NULL;

	EVP_PKEY_free(found);
	return is_it;
}

const char *binary_advice(struct str bytes)
{
	const char *advice = "this is DER (expected PEM: openssl x509 -inform DER -in … -out …)";

	if (!is_der(bytes))
		return NULL;
	if (is_pkcs12(bytes))
		advice = "this is PKCS #12 (expected PEM: openssl pkcs12 -in … -nodes -out …)";
	else if (is_key(bytes))
		advice = "this is a private key in DER (expected PEM: openssl pkey -inform DER "
			 "-in … -out …)";
	fault_drop();
	return advice;
}
