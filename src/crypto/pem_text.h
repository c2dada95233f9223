/* PEM texts (RFC 7468), as OpenSSL reads them: block after block. */
#ifndef NEAP_CRYPTO_PEM_TEXT_H
#define NEAP_CRYPTO_PEM_TEXT_H

#include <openssl/types.h>
#include <stdbool.h>

#include "base/str.h"

/* For its functions to read from, the caller's to free; NULL: no memory. The text must outlive it. */
BIO *pem_text_open(struct str text);

/* Did the last reading fail because there is no further block? */
bool pem_text_is_at_end(void);

/* A callback of OpenSSL, in place of asking a person: there is no passphrase. */
int pem_text_no_passphrase(char *to, int size, int writing, void *ctx);

#endif
