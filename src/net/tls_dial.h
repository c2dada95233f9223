/*
 * What a connection to a server is to be under TLS: which context it uses, under which name the
 * server is known, which sessions may be resumed.
 */
#ifndef NEAP_NET_TLS_DIAL_H
#define NEAP_NET_TLS_DIAL_H

#include "base/str.h"
#include "net/tls_context.h"
#include "net/tls_sessions.h"

/* All is borrowed; the store of sessions must outlive the connection. */
struct tls_goal {
	struct tls_context *context; /* of a client (tls_context_dial) */
	/*
	 * A host's name or an IP address, as a user writes it. The certificate must be for it
	 * (RFC 6125: dNSName with a wildcard of one label, iPAddress; never the common name). A
	 * name is sent as SNI, an address is not (RFC 6066 section 3).
	 */
	const char *name;
	struct tls_sessions *sessions; /* NULL: none are kept */
	/* Protocols that are offered, the best first, as on the wire: a length before each (RFC 7301
	 * section 3.1). Empty: those of the context. */
	struct str alpn;
};

/* The state of a connection that is to be made (stream_dial); NULL: no memory, or the name is none. */
SSL *tls_dial_open(const struct tls_goal *goal);

#endif
