/*
 * Lists of names for OpenSSL, as configs have them. OpenSSL skips a name that it does not know if
 * another one is there; here each is looked at by itself.
 */
#ifndef NEAP_NET_TLS_WORDS_H
#define NEAP_NET_TLS_WORDS_H

#include <openssl/types.h>

#include "base/str.h"

/*
 * The first name in the list that OpenSSL does not know; n = 0: it knows all. It points into the
 * list. What the context had of that kind is lost. Of ciphers (TLS 1.2), operators are not part of a
 * name, and names of what OpenSSL has no more ("!RC4") are known.
 */
struct str tls_words_bad_cipher(SSL_CTX *scratch, const char *list);
struct str tls_words_bad_suite(SSL_CTX *scratch, const char *list);
struct str tls_words_bad_group(SSL_CTX *scratch, const char *list);

#endif
