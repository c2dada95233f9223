#include "crypto/crl.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

#include "crypto/fault.h"
#include "crypto/pem_text.h"

static bool end_of(const X509_CRL *list, int64_t *seconds)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
	struct tm parts;

	if (next == NULL || ASN1_TIME_to_tm(next, &parts) != 1)
		return false;
	*seconds = (int64_t)timegm(&parts);
	return true;
}

bool crl_first_end(struct str pem, int64_t *seconds)
{
	BIO *from = pem_text_open(pem);
	X509_CRL *list;
	bool is_known = false;
	int64_t end;

	while (from != NULL &&
	       (list = PEM_read_bio_X509_CRL(from, NULL, pem_text_no_passphrase, NULL)) != NULL) {
		if (end_of(list, &end) && (!is_known || end < *seconds)) {
			*seconds = end;
			is_known = true;
		}
		X509_CRL_free(list);
	}
	BIO_free(from);
	fault_drop();
	return is_known;
}

static const X509_CRL *list_of(const X509_OBJECT *object, const X509 *certificate)
{
	const X509_CRL *list = X509_OBJECT_get0_X509_CRL(object);

	if (list == NULL ||
	    X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(certificate)) != 0)
		return NULL;
	return list;
}

bool crl_last_end(X509_STORE *store, const X509 *certificate, int64_t *seconds)
{
	const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	bool is_known = false;
	int64_t end;

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		const X509_CRL *list = list_of(sk_X509_OBJECT_value(objects, i), certificate);

		if (list != NULL && end_of(list, &end) && (!is_known || end > *seconds)) {
			*seconds = end;
			is_known = true;
		}
	}
	return is_known;
}
