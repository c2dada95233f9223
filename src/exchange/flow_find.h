/*
 * Which flow a datagram of a client belongs to, where the service's policy has the hook `key`: by its
 * key, else by the client's address and port.
 *
 * QUIC (RFC 9000 §5.1): the client chooses the connection id of its first packets, the backend those of
 * the others, and tells the first of them in its packets with long headers: they are learnt there. Later
 * ones are told in secret. So one that nobody knows is learnt when it comes from an address that has a
 * flow.
 */
#ifndef NEAP_EXCHANGE_FLOW_FIND_H
#define NEAP_EXCHANGE_FLOW_FIND_H

#include "exchange/flows.h"

/* The key of a datagram. */
struct flow_name {
	struct flow_id id; /* of no bytes: it has none */
	neap_datagram seen;
};

/* *f: NULL if there is none yet. false: the datagram is to be dropped, the policy is a guard and failed. */
bool flow_find(const struct flow_gate *g, const struct datagram *d, struct flow_name *name,
	       struct flow **f);

/* A new flow is found by that from now on. */
void flow_name_it(struct flow *f, const struct flow_name *name);

/* Does that datagram come from elsewhere than the flow's client has been? */
bool flow_has_moved(const struct flow *f, const struct flow_gate *g, const struct datagram *d);

/* Answers go there from now on. */
void flow_move(struct flow *f, struct flow_gate *g, const struct datagram *d);

/* Its backend answers: what the answer says of keys is learnt. */
void flow_learn(struct flow *f, const struct datagram *d);

/* As flow_name_it, for a key that another worker knew. */
void flow_know(struct flow *f, struct str key, bool is_narrow);

#endif
