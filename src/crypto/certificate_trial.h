/*
 * Finds what OpenSSL refuses to show at its level of security, such as a key that is too small, before
 * a handshake finds it.
 */
#ifndef NEAP_CRYPTO_CERTIFICATE_TRIAL_H
#define NEAP_CRYPTO_CERTIFICATE_TRIAL_H

#include "crypto/certificate.h"

struct certificate_trial {
	SSL_CTX *openssl;
};

enum err certificate_trial_init(struct certificate_trial *t, struct error *e);
void certificate_trial_fini(struct certificate_trial *t);

/* ERR_INVALID: it cannot be shown; the text says why. Also below. */
enum err certificate_trial_run(struct certificate_trial *t, const struct certificate *c,
			       struct error *e);

/* Makes it one of those that the OpenSSL context shows. */
enum err certificate_use(const struct certificate *c, SSL_CTX *openssl, struct error *e);

#endif
