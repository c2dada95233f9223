/*
 * What is kept with a TLS connection because a policy or a backend may want it: who the peer is, and
 * the fingerprint of its ClientHello. It is made when it is asked for, and freed with the
 * connection.
 */
#ifndef NEAP_NET_TLS_NOTES_H
#define NEAP_NET_TLS_NOTES_H

#include <openssl/types.h>

#include "crypto/identity.h"
#include "net/ja4.h"

/* What OpenSSL calls for each record and message (SSL_CTX_set_msg_callback). */
typedef void tls_on_message(int is_sent, int version, int type, const void *bytes, size_t n,
			    SSL *ssl, void *ctx);

/*
 * From now on the ClientHello of each connection of this context is noted; next: called for what comes
 * after it.
 */
void tls_notes_take_hellos(SSL_CTX *openssl, tls_on_message *next);

/* The fingerprint of the client, JA4; false (to = ""): none was noted. ssl may be NULL. */
bool tls_notes_ja4(const SSL *ssl, char to[JA4_CHARS + 1]);

/*
 * Who the peer says it is, whether that is verified or not. NULL: it showed no certificate, or no
 * memory. Lives as long as the connection.
 */
const struct identity *tls_notes_peer(SSL *ssl);

/* The same when its certificate was found good; NULL: not so. ssl may be NULL, here and above. */
const struct identity *tls_notes_verified(SSL *ssl);

#endif
