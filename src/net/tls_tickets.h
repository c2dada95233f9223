/*
 * Session tickets of a server (RFC 5077, RFC 8446 §4.6.1): a session is kept by the client,
 * encrypted under a key that all workers have.
 */
#ifndef NEAP_NET_TLS_TICKETS_H
#define NEAP_NET_TLS_TICKETS_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { TLS_TICKET_KEY_BYTES = 80, TLS_TICKET_NAME_BYTES = 16 };
enum { TLS_SESSION_SECONDS = 7200 };

/* A ticket key: 16 bytes of name, 32 of AES-256, 32 of HMAC-SHA-256. */
struct tls_ticket_key {
	uint8_t bytes[TLS_TICKET_KEY_BYTES];
};

/* Where ticket keys come from; called in handshakes. */
struct tls_ticket_source {
	/* The key to encrypt with; false: there is none, so no ticket can be used later. */
	bool (*newest)(void *ctx, struct tls_ticket_key *key);
	/* The key of this name; false: it is not known (any more). */
	bool (*find)(void *ctx, const uint8_t name[TLS_TICKET_NAME_BYTES],
		     struct tls_ticket_key *key);
	void *ctx;
};

struct tls_tickets {
	struct tls_ticket_source source;
	EVP_CIPHER *cipher;
};

/*
 * From now on the context gives and takes tickets under the source's keys. Without newest OpenSSL
 * makes keys of its own, known to this process alone. The tickets must live as long as the context;
 * to be freed in any case. ERR_MEMORY.
 */
enum err tls_tickets_install(struct tls_tickets *t, SSL_CTX *openssl);
void tls_tickets_free(struct tls_tickets *t);

/* The context resumes no session. */
void tls_tickets_refuse(SSL_CTX *openssl);

#endif
