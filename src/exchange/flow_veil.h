/*
 * Flows of pools with source = "client": what goes to the backend comes from the client's IP
 * address, and from a port of neap's. The way back is the network's affair (docs/udp.md). In a worker.
 */
#ifndef NEAP_EXCHANGE_FLOW_VEIL_H
#define NEAP_EXCHANGE_FLOW_VEIL_H

#include "exchange/flows.h"

/* Have its client and its backend addresses of one family? false: it was told. */
bool flow_veil_fits(const struct flow *f);

/* Gives the datagram its client's address. false: that does not fit, and the datagram is dropped. */
bool flow_veil(struct flow *f, struct datagram *to);

#endif
