/*
 * Sessions that a client keeps, to shorten the handshakes that follow: those with one server, under
 * one name and one context. A few; the newest are used first. One of TLS 1.3 is used once
 * (RFC 8446 appendix C.4).
 */
#ifndef NEAP_NET_TLS_SESSIONS_H
#define NEAP_NET_TLS_SESSIONS_H

#include <openssl/types.h>
#include <stdint.h>

enum { TLS_SESSIONS_KEPT = 4 };

/* Zeroed: none are kept. */
struct tls_sessions {
	struct ssl_session_st *kept[TLS_SESSIONS_KEPT]; /* the oldest first */
	unsigned n;
	uint32_t drops; /* how often all were forgotten */
};

/* The context's connections may have sessions kept. */
void tls_sessions_install(SSL_CTX *openssl);

/*
 * Before the handshake: resumes a session, if there is one that is still good, and keeps there what
 * the server gives. A session is not resumed once its server's certificate has expired. The store
 * must outlive the connection.
 */
void tls_sessions_use(struct tls_sessions *kept, SSL *ssl);

/*
 * Forgets all: the server or its name is another one now. What connections that are still open get
 * from now on is of the server before, and is not kept.
 */
void tls_sessions_drop(struct tls_sessions *kept);

#endif
