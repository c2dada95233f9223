/*
 * What the hooks decide of a request, and what follows from it: a backend, another attempt, the
 * queue, an answer. Retries are turns of the owner's loop, never recursion. See enum choice.
 */
#ifndef NEAP_EXCHANGE_CHOICE_H
#define NEAP_EXCHANGE_CHOICE_H

#include "exchange/request.h"

/*
 * Does neap answer this request itself (CONNECT, Max-Forwards: 0)? Then *choice is CHOICE_OWN or
 * CHOICE_SCRIPT, and no hook is called.
 */
bool choice_is_ours(struct request *rq, enum choice *choice);

/* Asks `request`, `backends` and `pick`: where to. */
enum choice choice_decide(struct request *rq);

/* Asks `pick` alone, for another attempt or after waiting in the queue. */
enum choice choice_pick(struct request *rq);

/* The attempt failed (rq->failure): asks `failed` what to do. */
enum choice choice_failed(struct request *rq);

/*
 * The head of its answer is there: asks `response`. CHOICE_GO; CHOICE_OWN; or CHOICE_PARK: the hook
 * waits for the body.
 */
enum choice choice_response(struct request *rq, struct neap_response *response);

/* Another worker took the last slot of the chosen backend: picks again, a few times. */
enum choice choice_slot_lost(struct request *rq);

/* Its time in the queue is over, even while a hook that was asked again still waits. */
enum choice choice_queue_over(struct request *rq);

#endif
