/*
 * A worker that retires gives its flows to the one that takes its place: the sockets to the backends, so
 * that answers find their way, and what each flow is. Both run on the same board's heir, with sockets of
 * the same slot. What cannot be given begins anew with its client's next datagram: flows of backends or
 * addresses that the new config does not have, and flows of which Lua keeps something.
 */
#ifndef NEAP_EXCHANGE_BEQUEST_H
#define NEAP_EXCHANGE_BEQUEST_H

#include "exchange/flows.h"

/*
 * Sends all open flows through the channel, and has none of them any more. leave: ends one without an
 * account, for its heir has it. Says when it is done in any case.
 */
void bequest_give(struct flows *all, int channel, void (*leave)(struct flow *f));

/* The heir's side. */
struct bequest;

/*
 * Takes what comes through the channel; on_done(ctx) once all of it is there, or after a second: from
 * then on datagrams may be read, and the bequest destroyed. adopt: makes *f, whose parts are filled in, a flow that is open. NULL:
 * no memory.
 */
struct bequest *bequest_take(struct flows *all, int channel, void (*adopt)(struct flow *f),
			     void (*on_done)(void *ctx), void *ctx);
void bequest_destroy(struct bequest *b); /* NULL is harmless */

#endif
