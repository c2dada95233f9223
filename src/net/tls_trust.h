/*
 * Whom a side trusts: authorities, lists of what they revoked, and how long a chain may be
 * (RFC 5280).
 */
#ifndef NEAP_NET_TLS_TRUST_H
#define NEAP_NET_TLS_TRUST_H

#include <openssl/types.h>

#include "base/err.h"
#include "base/str.h"

/* What is asked of the other side's certificate. */
enum tls_verify {
	TLS_VERIFY_OFF,
	TLS_VERIFY_REQUEST, /* it may have none; one that does not verify ends the handshake */
	TLS_VERIFY_REQUIRE,
};

struct tls_trust {
	enum tls_verify verify;
	struct str ca;	/* PEM; n = 0: those of the system */
	struct str crl; /* PEM, of one or several authorities; n = 0: none */
	const char *ca_where,
		*crl_where; /* for errors: key and file; NULL: "<where>.ca" and so on */
	int depth;	    /* of clients: authorities between the leaf and a root, at most */
};

/*
 * Clients are asked for a certificate, and told which authorities we trust. ERR_INVALID: a text has
 * nothing of its kind; the error says where.
 */
enum err tls_trust_clients(SSL_CTX *openssl, const struct tls_trust *trust, const char *where,
			   struct error *e);

/* Servers must show a certificate that verifies. As above. */
enum err tls_trust_servers(SSL_CTX *openssl, const struct tls_trust *trust, const char *where,
			   struct error *e);

#endif
