/*
 * What becomes of the TLS handshakes of clients: each is counted, and one that failed is told in the
 * log, each reason once per second at most.
 */
#ifndef NEAP_PROXY_HANDSHAKE_H
#define NEAP_PROXY_HANDSHAKE_H

#include "proxy/front.h"

/* It is over; false: front.stream says why it failed. */
void handshake_note(struct front *f, bool is_open);

/* It was not over in time. */
void handshake_note_late(struct front *f);

/* Before a connection is closed or reset: was it TLS that broke after the handshake? */
void handshake_note_broken(struct front *f);

/* A CA came to look at the certificate of tls-alpn-01 (RFC 8737 §3): it has nothing to say. */
bool handshake_was_challenge(const struct front *f);

/* Was it a request of HTTP in the clear? It can be answered after tls_stream_go_plain. */
bool handshake_met_plain_http(const struct front *f);

/* After it: did both sides agree on this protocol (ALPN)? */
bool handshake_agreed_on(const struct front *f, struct str protocol);

#endif
