/*
 * What the TLS connections of one service, or those to one pool, have in common: certificates by
 * name, versions, ciphers, whom it trusts, how sessions are resumed (RFC 8446, RFC 5246). It is made
 * of bytes, not of files. It belongs to whoever made it and must outlive its connections.
 */
#ifndef NEAP_NET_TLS_CONTEXT_H
#define NEAP_NET_TLS_CONTEXT_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/certificate.h"
#include "net/tls_choice.h"
#include "net/tls_tickets.h"
#include "net/tls_trust.h"

struct tls_context;

enum tls_version { TLS_VERSION_DEFAULT, TLS_VERSION_1_2, TLS_VERSION_1_3 };

/* Is the fingerprint of clients asked for (net/tls_notes.h)? */
enum tls_hellos { TLS_HELLOS_PASS, TLS_HELLOS_NOTED };

/* How sessions are resumed. */
enum tls_resumption { TLS_RESUME_TICKETS, TLS_RESUME_NEVER };

/* All is borrowed and needed till the context is made, but for sources, which it keeps. */
struct tls_settings {
	const char *name;  /* of the service: sessions are not resumed in another one */
	const char *where; /* for errors: "services[1].tls" */
	struct certificate *const *certificates; /* the context keeps its own references */
	unsigned certificate_count;
	enum tls_unknown unknown;
	enum tls_version min_version, max_version;
	const char *ciphers;	  /* of TLS 1.2, OpenSSL's form; NULL: the defaults, also below */
	const char *ciphersuites; /* of TLS 1.3 */
	const char *groups;
	const struct str *alpn; /* the best first */
	unsigned alpn_count;	/* 0: ALPN is not looked at */
	struct tls_trust client;
	enum tls_resumption resumption;
	struct str ticket_file;		  /* its keys (net/tls_ticket_file.h); n = 0: tickets' */
	const char *ticket_file_where;	  /* for errors, as tls_trust's; may be NULL */
	struct tls_ticket_source tickets; /* newest NULL: keys of this process alone */
	enum tls_hellos hellos;
	struct tls_source source;    /* ask NULL: none */
	struct tls_source challenge; /* asked when a client offers acme-tls/1 (RFC 8737) */
};

/* For connections to servers. As above. */
struct tls_client_settings {
	const char *where;
	struct tls_trust server;	 /* TLS_VERIFY_REQUIRE or TLS_VERIFY_OFF */
	struct certificate *certificate; /* to show when asked; NULL: none */
	enum tls_version min_version;
	const struct str *alpn;
	unsigned alpn_count;
};

/*
 * Makes one for the side of the server. ERR_INVALID: what a setting names is wrong; the text says
 * which, after settings->where.
 */
enum err tls_context_serve(struct tls_context **c, const struct tls_settings *settings,
			   struct error *e);

/* Makes one for the side of the client. */
enum err tls_context_dial(struct tls_context **c, const struct tls_client_settings *settings,
			  struct error *e);

/* NULL is harmless. Streams may still use one of the side of the client. */
void tls_context_free(struct tls_context *c);

/* A new connection's state, for the side that the context was made for; NULL: no memory. */
SSL *tls_context_open(struct tls_context *c);

/* The names of the side of the server; borrowed. */
const struct tls_names *tls_context_names(const struct tls_context *c);

/* Borrowed: the OpenSSL object, for what a stream sets in it (session callbacks, modes). */
SSL_CTX *tls_context_openssl(struct tls_context *c);

#endif
