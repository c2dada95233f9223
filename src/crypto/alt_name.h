/* The extension subjectAltName with one DNS name (RFC 5280 §4.2.1.6). */
#ifndef NEAP_CRYPTO_ALT_NAME_H
#define NEAP_CRYPTO_ALT_NAME_H

#include <openssl/x509v3.h>

/* The caller ends it by X509_EXTENSION_free. NULL: no memory. */
X509_EXTENSION *alt_name_create(const char *name);

#endif
