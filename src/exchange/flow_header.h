/*
 * The PROXY headers of datagrams: one before each, as servers of DNS expect it (haproxy's
 * proxy-protocol.txt has no words for datagrams that have none).
 */
#ifndef NEAP_EXCHANGE_FLOW_HEADER_H
#define NEAP_EXCHANGE_FLOW_HEADER_H

#include "exchange/flows.h"

/* Sends it to the flow's backend, each datagram with a header before it. */
void flow_header_send(struct flow *f, const struct datagram *to);

/*
 * Calls take for each datagram in what came, without its header and in the name of whom the header
 * names. One that has none, or a bad one, is dropped.
 */
void flow_header_take(struct flow_gate *g, const struct datagram *d,
		      void (*take)(struct flow_gate *g, const struct datagram *d));

#endif
