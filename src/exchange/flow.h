/*
 * One flow of datagrams of a udp service: the hooks choose a backend for a client, then datagrams go
 * both ways until nothing comes. The same request and attempts as those of an exchange, without
 * messages and without a connection.
 */
#ifndef NEAP_EXCHANGE_FLOW_H
#define NEAP_EXCHANGE_FLOW_H

#include "exchange/flows.h"

/* As flows_create, with what happens to flows. */
enum err flow_create_all(struct plane *p, void (*on_none)(struct plane *p), struct error *e);

/* A datagram of a client came in. What goes to backends waits for flow_flush. */
void flow_take(struct flow_gate *g, const struct datagram *d);
void flow_flush(struct flows *all);

/* All flows end, or those of that gate only (NULL: all); reason: why. */
void flow_cut_all(struct flows *all, const struct flow_gate *g, const char *reason);

/* Through the channel, to the worker that takes this one's place (bequest.h). */
void flow_give_all(struct flows *all, int channel);

/* One that came from there is open. */
void flow_adopt(struct flow *f);

#endif
