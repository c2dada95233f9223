/* The common name of a certificate's owner (RFC 5280 §4.1.2.6): for people, never to be trusted. */
#ifndef NEAP_CRYPTO_COMMON_NAME_H
#define NEAP_CRYPTO_COMMON_NAME_H

#include <openssl/types.h>
#include <stddef.h>

/* Writes it as UTF-8, cut off at SIZE bytes, not zero terminated; its length, 0: it has none. */
size_t common_name_write(char *to, size_t size, const X509 *certificate);

#endif
