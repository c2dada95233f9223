/*
 * What is known of a client's TLS, wherever it is ended: here, or at the balancer in front of us, which
 * tells of it in a PROXY header. For policies, logs, stories and recordings.
 */
#ifndef NEAP_NET_TLS_SEEN_H
#define NEAP_NET_TLS_SEEN_H

#include "net/client_tls.h"
#include "net/ja4.h"
#include "net/stream.h"

struct identity;

enum {
	TLS_SEEN_NAME_MAX = 255,			  /* of a common name that others tell */
	TLS_SEEN_SUBJECT_MAX = 3 + 3 * TLS_SEEN_NAME_MAX, /* with each byte escaped */
};

/* Texts without bytes are not known. They live as long as the connection. */
struct tls_seen {
	struct str version, cipher, sni, alpn;
	bool is_resumed;
	bool has_client; /* it showed a certificate */
	bool is_verified;
	const struct stream *stream; /* where it is ended; NULL: in front of us */
	const struct client_tls *outer;
};

/*
 * s: the client's connection, or NULL; outer: what a PROXY header said, or NULL. TLS that is ended here
 * comes first. False: the client came in the clear.
 */
bool tls_seen_look(struct tls_seen *to, const struct stream *s, const struct client_tls *outer);

/* The fingerprint of its ClientHello, written to `to`; empty: none was noted. */
struct str tls_seen_ja4(const struct tls_seen *seen, char to[JA4_CHARS + 1]);

/* Who it says it is. NULL: no certificate, no memory, or it was not shown to us. */
const struct identity *tls_seen_identity(const struct tls_seen *seen);

/*
 * Whom its certificate names (RFC 2253). Where it was shown to a balancer in front of us, that is the
 * common name alone, written to `to`. Empty: nothing is known.
 */
struct str tls_seen_subject(const struct tls_seen *seen, char to[TLS_SEEN_SUBJECT_MAX]);

/* Why its certificate is not verified; empty when it is. */
struct str tls_seen_error(const struct tls_seen *seen);

#endif
