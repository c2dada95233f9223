/*
 * What is known of a client's TLS that is not ended here: what its ClientHello says (a tcp service
 * with `sniff`), or what another balancer says in a PROXY header. It lives as long as the client's
 * connection.
 */
#ifndef NEAP_NET_CLIENT_TLS_H
#define NEAP_NET_CLIENT_TLS_H

#include "base/str.h"
#include "net/client_hello.h"

/* Texts without bytes are not known; but a list of protocols that is not NULL is one. */
struct client_tls {
	bool is_ended;	      /* another balancer ended it: the client came by TLS */
	bool has_certificate; /* of its own, on this connection or in its session */
	bool is_verified;     /* and it was found good */
	bool is_resumed;      /* the session is an older connection's */
	struct str sni;
	struct str alpn; /* entries: a length of one byte, and a name */
	struct str ja4;
	struct str version, cipher; /* as OpenSSL names them: "TLSv1.3" */
	struct str common_name;	    /* of the certificate */
};

/* A copy with texts of its own, to be freed in one piece (free); NULL: no memory. */
struct client_tls *client_tls_copy(const struct client_tls *from);

/* What a ClientHello that lies at p says. Freed as above; NULL: no memory. */
struct client_tls *client_tls_of_hello(const struct client_hello *h, const char *p);

#endif
