#include "crypto/certificate_trial.h"

#include <openssl/ssl.h>

#include "crypto/fault.h"

enum err certificate_trial_init(struct certificate_trial *t, struct error *e)
{
	t->openssl = SSL_CTX_new(TLS_method());
	fault_drop();
	return t->openssl != NULL ? ERR_OK : err_set(e, ERR_MEMORY, "no memory for TLS");
}

void certificate_trial_fini(struct certificate_trial *t)
{
	SSL_CTX_free(t->openssl);
	t->openssl = NULL;
}

enum err certificate_use(const struct certificate *c, SSL_CTX *openssl, struct error *e)
{
	if (SSL_CTX_use_cert_and_key(openssl, certificate_leaf(c), certificate_key(c),
				     certificate_issuers(c), 1) == 1)
		return ERR_OK;
	return fault_set(e, ERR_INVALID, "%s: this certificate cannot be shown",
			 certificate_where(c));
}

enum err certificate_trial_run(struct certificate_trial *t, const struct certificate *c,
			       struct error *e)
{
	return certificate_use(c, t->openssl, e);
}
