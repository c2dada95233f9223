/*
 * Times of certificates and of answers about them, as the rest of neap has times.
 */
#ifndef NEAP_CRYPTO_EPOCH_H
#define NEAP_CRYPTO_EPOCH_H

#include <openssl/types.h>
#include <stdint.h>

/* Seconds since 1970; 0: it cannot be read. */
int64_t epoch_seconds(const ASN1_TIME *time);

#endif
