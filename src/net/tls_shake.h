/*
 * The handshake of a TLS connection, in steps of the loop. Few steps are done in one turn of the
 * loop; the others have their turn after what else happened. Those with clients are counted, and the
 * oldest gives way when there are too many.
 */
#ifndef NEAP_NET_TLS_SHAKE_H
#define NEAP_NET_TLS_SHAKE_H

#include "net/tls_conn.h"

/* Begins it in the next turn; its end is told by owner->on_open. */
void tls_shake_start(struct tls_conn *c, const struct stream_owner *owner);

/* The stream's on_ready until it is over. */
void tls_shake_ready(struct stream *s, int events);

/* A handshake that waits for a certificate goes on, in the next turn of the loop. ssl: of an open one. */
void tls_shake_resume(SSL *ssl);

/* The stream of an object whose handshake is under way. */
struct stream *tls_shake_stream(const SSL *ssl);

/* At most n handshakes with clients at a time on this loop; more: the oldest fails (TLS_REASON_SHED). */
void tls_limit_handshakes(struct loop *l, uint32_t n);

/* Fails the oldest handshake with a client, to make room for another connection; false: none. */
bool tls_shed(struct loop *l);

#endif
