#include "crypto/crl.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <time.h>

#include "crypto/fault.h"

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
	BIO *from = pem.n > INT32_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	X509_CRL *list;
	bool is_known = false;
	int64_t end;

	while (from != NULL && (list = PEM_read_bio_X509_CRL(from, NULL, NULL, NULL)) != NULL) {
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
