/*
 * Lists of names for OpenSSL, as configs have them. OpenSSL skips a name that it does not know if
 * another one is there; here each is looked at by itself.
 */
#ifndef NEAP_NET_TLS_WORDS_H
#define NEAP_NET_TLS_WORDS_H

#include <openssl/types.h>

#include <stdbool.h>

#include "base/str.h"
#include "crypto/certificate.h"

/*
 * The first name in the list that OpenSSL does not know; n = 0: it knows all. It points into the
 * list. What the context had of that kind is lost. Of ciphers (TLS 1.2), operators are not part of a
 * name, and names of what OpenSSL has no more ("!RC4") are known.
 */
struct str tls_words_bad_cipher(SSL_CTX *scratch, const char *list);
struct str tls_words_bad_suite(SSL_CTX *scratch, const char *list);
struct str tls_words_bad_group(SSL_CTX *scratch, const char *list);

enum tls_words_kind { TLS_WORDS_CIPHERS, TLS_WORDS_SUITES, TLS_WORDS_GROUPS };

/*
 * What to do about a bad name: where it belongs, or OpenSSL's name of a cipher that was called by that
 * of its RFC (then there is no space in it). NULL: nothing is known. The context is scratch as above.
 */
const char *tls_words_advice(SSL_CTX *scratch, struct str bad, enum tls_words_kind kind);

/* Can a certificate of this kind be shown with one of the context's suites of TLS 1.2? */
bool tls_words_fit(const SSL_CTX *openssl, enum certificate_kind kind);

#endif
