/*
 * OCSP answers that are stapled to a certificate (RFC 6960, RFC 6066 §8).
 */
#ifndef NEAP_CRYPTO_STAPLE_H
#define NEAP_CRYPTO_STAPLE_H

#include <openssl/types.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/*
 * Is it an answer about this certificate, DER? Its signature is the client's to check. *until:
 * seconds since 1970 from which on it says nothing any more; INT64_MAX: it does not say.
 * ERR_INVALID: it is damaged, says that the CA could not answer, is about another one, or
 * does not say that it is good.
 */
enum err staple_judge(X509 *leaf, struct str der, int64_t *until, struct error *e);

#endif
