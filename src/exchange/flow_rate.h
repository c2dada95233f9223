/*
 * How much one source may send to a udp service: datagrams, and the first ones of flows.
 */
#ifndef NEAP_EXCHANGE_FLOW_RATE_H
#define NEAP_EXCHANGE_FLOW_RATE_H

#include "exchange/flows.h"

/* Cuts *d to what may pass; the rest was counted, and perhaps told. false: nothing may. */
bool flow_rate_admit(const struct flow_gate *g, struct datagram *d);

/* May its source begin another flow? If not, likewise. */
bool flow_rate_may_begin(const struct flow_gate *g, const struct datagram *d);

#endif
