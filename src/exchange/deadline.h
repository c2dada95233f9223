/*
 * Who is waited for while a request and its answer are under way, and for how long.
 */
#ifndef NEAP_EXCHANGE_DEADLINE_H
#define NEAP_EXCHANGE_DEADLINE_H

#include "exchange/attempt.h"

/* Who is to do something next, while the request goes out. */
enum awaited {
	AWAITED_NOBODY,
	AWAITED_CLIENT, /* to send more of its body */
	AWAITED_TAKER,	/* the backend, to take more of the request */
	AWAITED_ANSWER, /* the backend, to say something */
};

/* While the request goes out. */
enum awaited deadline_awaited(const struct attempt *at);

/*
 * After anything happened: the deadline begins anew, if somebody is awaited. But the head of an
 * answer has one deadline for all of it. before: who was awaited when the deadline last began.
 */
void deadline_arm(struct request *rq, enum awaited before, enum awaited now);

/* The backend was awaited for too long: the attempt fails. */
enum attempt_outcome deadline_fail(struct attempt *at, enum awaited awaited);

#endif
