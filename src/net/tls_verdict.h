/*
 * What is wrong with the certificate of a server, in words that say which one and when: OpenSSL has
 * a constant for each kind of fault only. And whose certificate it is that a client was refused by.
 */
#ifndef NEAP_NET_TLS_VERDICT_H
#define NEAP_NET_TLS_VERDICT_H

#include <openssl/types.h>

/* For SSL_CTX_set_verify: notes a fault, and lets OpenSSL's judgement stand. */
int tls_verdict_note(int is_good, X509_STORE_CTX *ctx);

/* What was noted of a server; NULL: nothing. Lives as long as the connection. */
const char *tls_verdict_words(const SSL *ssl);

/* Subject and serial number of a client whose certificate does not verify; "": none. The same life. */
const char *tls_verdict_who(const SSL *ssl);

#endif
