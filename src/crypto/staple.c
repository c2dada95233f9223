#include "crypto/staple.h"

#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include "crypto/epoch.h"
#include "crypto/fault.h"

static bool is_about(OCSP_SINGLERESP *single, X509 *leaf)
{
	ASN1_INTEGER *serial = NULL;
	OCSP_CERTID *id = (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(single);

	return OCSP_id_get0_info(NULL, NULL, NULL, &serial, id) == 1 &&
	       ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0;
}

static enum err judge_single(OCSP_SINGLERESP *single, int64_t *until, struct error *e)
{
	ASN1_GENERALIZEDTIME *next = NULL;
	int status = OCSP_single_get0_status(single, NULL, NULL, NULL, &next);

	if (status != V_OCSP_CERTSTATUS_GOOD)
		return err_set(e, ERR_INVALID,
			       "this OCSP answer does not say that the certificate is good, but "
			       "\"%s\"",
			       OCSP_cert_status_str(status));
	*until = next != NULL ? epoch_seconds(next) : INT64_MAX;
	return ERR_OK;
}

static enum err judge_basic(OCSP_BASICRESP *basic, X509 *leaf, int64_t *until, struct error *e)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++) {
		OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
		if (is_about(single, leaf))
			return judge_single(single, until, e);
	}
	return err_set(e, ERR_INVALID, "this OCSP answer is about another certificate");
}

static enum err judge(OCSP_RESPONSE *answer, X509 *leaf, int64_t *until, struct error *e)
{
	if (answer == NULL)
		return err_set(e, ERR_INVALID, "this is no OCSP answer (DER)");
	int status = OCSP_response_status(answer);
	if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return err_set(e, ERR_INVALID, "the CA did not answer: \"%s\"",
			       OCSP_response_status_str(status));
	OCSP_BASICRESP *basic = OCSP_response_get1_basic(answer);
	enum err err = basic == NULL ? err_set(e, ERR_INVALID, "this OCSP answer is damaged")
				     : judge_basic(basic, leaf, until, e);
	OCSP_BASICRESP_free(basic);
	return err;
}

enum err staple_judge(X509 *leaf, struct str der, int64_t *until, struct error *e)
{
	const unsigned char *at = (const unsigned char *)der.p;
	OCSP_RESPONSE *answer = der.n > INT32_MAX ? NULL
						  : d2i_OCSP_RESPONSE(NULL, &at, (long)der.n);
	enum err err = judge(answer, leaf, until, e);

	OCSP_RESPONSE_free(answer);
	fault_drop();
	return err;
}
