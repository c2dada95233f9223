/*
 * How an attempt gets to its backend: a slot, then a connection, or a stream on one that others use
 * too. In the end at->uconn stands, and nothing was sent.
 */
#ifndef NEAP_EXCHANGE_APPROACH_H
#define NEAP_EXCHANGE_APPROACH_H

#include "exchange/attempt.h"

/* Begins an attempt on view.slot. on_outcome is not called for what is returned. */
enum attempt_outcome approach_begin(struct attempt *at);

/*
 * Takes a slot of view.slot's backend and counts the attempt: the first part of approach_begin. false:
 * another worker has taken the last slot meanwhile.
 */
bool approach_enter(struct attempt *at);

/* After ATTEMPT_STANDS: the leg, by the protocol that the connection speaks. false: no memory. */
bool approach_open_leg(struct attempt *at);

#endif
