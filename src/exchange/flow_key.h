/*
 * Flows by the keys that hooks gave them (policy.key): a hash table of byte strings, each for one flow of
 * one service. A flow may have several: of QUIC each side chooses one. Made for a worker that has such
 * a service only.
 */
#ifndef NEAP_EXCHANGE_FLOW_KEY_H
#define NEAP_EXCHANGE_FLOW_KEY_H

#include "base/str.h"
#include "exchange/flow_table.h"
#include "net/loop.h"
#include "net/udp_addr.h"

enum {
	FLOW_KEY_MAX = 255,
	FLOW_KEYS_EACH = 8, /* of one flow; the eldest but the first is forgotten */
};

struct flow;
struct flow_keys;

/* A key and whose it is: of any client of the service, or of that one alone. */
struct flow_id {
	const void *service;
	const struct udp_addr *client; /* NULL: of any */
	struct str key;
};

struct flow_key {
	struct flow_link link;
	struct flow_key *next; /* of the same flow, later ones behind */
	struct flow *flow;
	const void *service;
	struct udp_addr client; /* of family 0: of any */
	uint8_t n;
	bool is_long;
	char bytes[];
};

/* For about so many flows. NULL: no memory. */
struct flow_keys *flow_keys_create(struct loop *loop, uint32_t flows);
void flow_keys_destroy(struct flow_keys *k); /* none may be in use; NULL is harmless */

/* NULL: none has it. */
struct flow *flow_keys_find(const struct flow_keys *k, const struct flow_id *id);

/* One more for a flow, to the end of its list. false: another flow has it, or there is no memory. */
bool flow_keys_add(struct flow_keys *k, struct flow_key **list, const struct flow_id *id,
		   struct flow *flow);

/* Its flow is not found by them any more, and has them still. */
void flow_keys_hide(struct flow_keys *k, struct flow_key *list);
void flow_keys_drop(struct flow_keys *k, struct flow_key **list);

#endif
