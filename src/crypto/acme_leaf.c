#include "crypto/acme_leaf.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/certificate.h"

enum err acme_leaf_read(struct acme_leaf *leaf, struct str pem, const char *name, struct error *e)
{
	struct certificate_text text = { .chain = pem };
	struct certificate *c;
	enum err err = certificate_read(&c, &text, e);

	if (err != ERR_OK)
		return err;
	leaf->not_before = certificate_not_before(c);
	leaf->not_after = certificate_not_after(c);
	if (X509_check_host(certificate_leaf(c), name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
			    NULL) != 1)
		err = err_set(e, ERR_INVALID, "the certificate is not one for %s", name);
	certificate_drop(c);
	ERR_clear_error();
	return err;
}
