/*
 * Sessions that a client keeps, to shorten the handshakes that follow: those with one server, under
 * one name and one context. A few; the newest are used first. One of TLS 1.3 is used once
 * (RFC 8446 appendix C.4).
 */
#ifndef NEAP_NET_TLS_SESSIONS_H
#define NEAP_NET_TLS_SESSIONS_H

#include <openssl/types.h>

enum { TLS_SESSIONS_KEPT = 4 };

/* Zeroed: none are kept. */
struct tls_sessions {
	struct ssl_session_st *kept[TLS_SESSIONS_KEPT]; /* the oldest first */
	unsigned n;
};

/* The context's connections may have sessions kept. */
void tls_sessions_install(SSL_CTX *openssl);

/*
 * Before the handshake: resumes a session, if there is one that is still good, and keeps there what
 * the server gives. A session is not resumed once its server's certificate has expired. The store
 * must outlive the connection.
 */
void tls_sessions_use(struct tls_sessions *kept, SSL *ssl);

/* Forgets all: the server or its name is another one now. */
void tls_sessions_drop(struct tls_sessions *kept);

#endif
