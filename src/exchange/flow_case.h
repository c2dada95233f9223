/*
 * A flow as hooks and accounts see it: a request and its attempt. It is there while the hooks decide
 * and until the backend answers for the first time, with what the client sent meanwhile, so that
 * another backend can get it; and again for the end. In between a flow has none, unless somebody keeps
 * something of it by its request.
 */
#ifndef NEAP_EXCHANGE_FLOW_CASE_H
#define NEAP_EXCHANGE_FLOW_CASE_H

#include "exchange/attempt.h"
#include "exchange/flows.h"

enum { FLOW_CASE_ROOM = 1536 };

struct flow_case {
	struct flow *flow;
	struct request rq;
	struct attempt at;
	struct peer peer;
	struct list
		node; /* among those that wait; then those that hold datagrams of an open flow */

	/* Datagrams of the client, each with its length before it. */
	char *held, *block; /* in `room`, or in a block */
	uint32_t held_n, held_max;
	bool is_whole; /* all that the client sent so far is there */
	bool is_held;  /* among those of open flows */
	bool is_spare; /* the one that all flows share for their end */
	char room[FLOW_CASE_ROOM];
};

/* For a flow that has just begun. NULL: no memory. */
struct flow_case *flow_case_begin(struct flow *f, const struct request_owner *owner);

/*
 * Its case; if it has none, one that tells how it stands. Never NULL: without memory it is the spare
 * one, which must be ended before anything else happens.
 */
struct flow_case *flow_case_of(struct flow *f, const struct request_owner *owner);

/* More of what the client sent. false: there is no room, and it is not whole any more. */
enum flow_case_hold { FLOW_CASE_LITTLE, FLOW_CASE_MUCH /* in a block, if need be */ };
bool flow_case_hold(struct flow_case *c, const struct datagram *d, enum flow_case_hold how);

/* Calls it for each datagram that is held. */
void flow_case_each(struct flow_case *c, void (*call)(struct flow *f, const struct datagram *d));

/* Its flow's client is elsewhere now. */
void flow_case_follow(struct flow_case *c);

/* Its flow does something again: it neither waits nor rests. */
void flow_case_wake(struct flow_case *c);

/* The flow waits for a hook or a slot: rq.total comes due at rq.view.deadline_ms, if it waits so long. */
void flow_case_wait(struct flow_case *c);
void flow_case_each_waiting(struct flows *all, void (*call)(struct flow *f, void *ctx), void *ctx);

/* The flow is open and knows its backend now: what it holds may be let go when others need the memory. */
void flow_case_rest(struct flow_case *c);

/* The backend has answered: let it go, if nobody keeps anything by it. */
void flow_case_drop(struct flow_case *c);

/* The end of its flow. */
void flow_case_end(struct flow_case *c);

#endif
