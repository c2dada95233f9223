/*
 * A TLS 1.3 connection goes on without OpenSSL's object (net/tls_records.h), a moment after its
 * handshake, when nothing of it is half read. A client's certificate keeps the object: those who ask
 * for it need it.
 */
#ifndef NEAP_NET_TLS_DETACH_H
#define NEAP_NET_TLS_DETACH_H

#include "net/tls_conn.h"

/* For each context whose connections may: notes the secrets of their handshakes. */
void tls_detach_prepare(SSL_CTX *openssl);

/* What of them is called for each record; for who takes its place for a while. */
void tls_detach_on_message(int is_sent, int version, int type, const void *bytes, size_t n,
			   SSL *ssl, void *ctx);

/* After the handshake. */
void tls_detach_soon(struct tls_conn *c);

#endif
