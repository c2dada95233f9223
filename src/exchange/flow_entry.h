/*
 * Who may begin a flow of datagrams.
 */
#ifndef NEAP_EXCHANGE_FLOW_ENTRY_H
#define NEAP_EXCHANGE_FLOW_ENTRY_H

#include "exchange/flows.h"

/* May that datagram begin one? If not it was counted, and perhaps told. */
bool flow_entry_may(const struct flow_gate *g, const struct datagram *d);

/* The client of one that is there was elsewhere before. */
bool flow_entry_may_follow(const struct flow_gate *g, const struct datagram *d);

/* The policy refuses it. */
void flow_entry_refuse(const struct flow_gate *g, const struct datagram *d);

/* It was let in, but there is no memory for it. */
void flow_entry_fail(const struct flow_gate *g, const struct datagram *d);

#endif
