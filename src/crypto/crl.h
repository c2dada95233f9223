/*
 * Lists of revoked certificates (RFC 5280 §5).
 */
#ifndef NEAP_CRYPTO_CRL_H
#define NEAP_CRYPTO_CRL_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/*
 * When the first of the lists in a text, PEM, ends: seconds since 1970. false: no list is in it, or
 * none says when it ends.
 */
bool crl_first_end(struct str pem, int64_t *seconds);

/*
 * Until when the lists in a store speak of a certificate: the end of the newest list of its issuer,
 * seconds since 1970. false: there is none, or it does not say when it ends.
 */
bool crl_last_end(X509_STORE *store, const X509 *certificate, int64_t *seconds);

#endif
