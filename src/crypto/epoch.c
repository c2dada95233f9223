#include "crypto/epoch.h"

#include <openssl/asn1.h>

int64_t epoch_seconds(const ASN1_TIME *time)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days = 0, rest = 0;
	int64_t at = 0;

	if (epoch != NULL && ASN1_TIME_diff(&days, &rest, epoch, time) == 1)
		at = (int64_t)days * 86400 + rest;
	ASN1_TIME_free(epoch);
	return at;
}
