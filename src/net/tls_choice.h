/*
 * Chooses a connection's certificate when the client's hello is there: by a source that may take
 * its time, or by name among those of the config. It happens before a session is resumed, so no
 * session leads past it.
 */
#ifndef NEAP_NET_TLS_CHOICE_H
#define NEAP_NET_TLS_CHOICE_H

#include <openssl/types.h>
#include <stdbool.h>

#include "net/tls_names.h"

enum { TLS_NAME_BYTES = 256 };

/* What happens when a client names no host of ours. */
enum tls_unknown {
	TLS_UNKNOWN_FIRST /* the first certificate */,
	TLS_UNKNOWN_REFUSE /* an alert */
};

/* A changing source of certificates, asked when a client's hello is there. */
enum tls_sourced {
	TLS_SOURCED_NONE,  /* it has none for this name: the configured ones are asked */
	TLS_SOURCED,	   /* *certificate is one: borrowed, needed till the call returns */
	TLS_SOURCED_LATER, /* ask again: the handshake waits (SSL_ERROR_WANT_CLIENT_HELLO_CB) */
	TLS_SOURCED_REFUSE /* alert unrecognized_name */
};

struct tls_source {
	/*
	 * name: what the client asks for, in lower case, without a trailing dot; n = 0: nothing. The
	 * hello can be read with SSL_client_hello_get0_… during the call. Called again after
	 * LATER, and once more when the client had to send a second hello.
	 */
	enum tls_sourced (*ask)(void *ctx, SSL *ssl, struct str name,
				struct certificate **certificate);
	void *ctx;
};

struct tls_choice {
	struct tls_names names;
	enum tls_unknown unknown;
	struct tls_source source;    /* ask NULL: none */
	struct tls_source challenge; /* asked for who offers the protocol acme-tls/1 alone */
};

/* The name in the hello that is being handled, as tls_source says; in is TLS_NAME_BYTES long. */
struct str tls_choice_hello_name(SSL *ssl, char *in);

/* The name of the connection's first hello, as tls_source says. Lives as long as ssl does. */
struct str tls_choice_heard_name(const SSL *ssl);

/* The name in lower case, without a trailing dot, in TLS_NAME_BYTES; n = 0: longer than a name is. */
struct str tls_choice_plain_name(struct str name, char *in);

/* Does the hello offer acme-tls/1 and nothing else (RFC 8737 §3)? */
bool tls_choice_is_challenge(const unsigned char *protocols, size_t n);

/*
 * The first certificates are set in the OpenSSL context, and the rest is chosen from now on; the
 * choice must live as long as the context. ERR_INVALID: OpenSSL does not take one of the first; the
 * text says which. The others were tried before (crypto/certificate_trial.h).
 */
enum err tls_choice_install(struct tls_choice *choice, SSL_CTX *openssl, struct error *e);

#endif
