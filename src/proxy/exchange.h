/*
 * One request from its head to its last byte, or one connection of a tcp service: the state
 * machine. Events (readable, writable, due, resumed) note what happened in the parts and end in
 * exchange_run, which goes through the states until it has to wait; at its tail alone an exchange
 * ends (on_done). Retries are turns of that loop, never recursion.
 */
#ifndef NEAP_PROXY_EXCHANGE_H
#define NEAP_PROXY_EXCHANGE_H

#include "proxy/state.h"

/* Hands the proxy what attempts call back. Once, before any exchange. */
void exchange_setup(struct proxy *p);

/*
 * Makes *ex (from the proxy's slab) ready for a request that begins at buf_head(in). The caller
 * then parses ex->req and calls one of exchange_start and exchange_refuse.
 */
void exchange_init(struct exchange *ex, struct proxy *p, struct service *s, struct stream *client,
		   struct buf *in, const struct peer *peer, void *front,
		   void (*on_done)(struct exchange *ex));

/* The head is parsed: go. keep: the connection may go on afterwards. ex may be gone on return. */
void exchange_start(struct exchange *ex, bool keep);

/*
 * For tcp services, instead: the whole connection, of which `in` may hold the first bytes. ex may
 * be gone on return.
 */
void exchange_open(struct exchange *ex);

/*
 * The head was refused, or never came (status and reason in ex->req.refusal). ex may be gone on
 * return.
 */
void exchange_refuse(struct exchange *ex);

/* The client's connection is readable or writable (bits of STREAM_…). ex may be gone on return. */
void exchange_client_ready(struct exchange *ex, int events);

/* It has been under way for a while, and nobody watches the client: see whether it leaves. */
void exchange_attend(struct exchange *ex);

/* We close the client's connection, it did not: everything ends, on_done is called. */
void exchange_cut(struct exchange *ex, const char *reason);

#endif
