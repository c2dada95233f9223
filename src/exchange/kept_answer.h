/*
 * The body of an answer for its hook `response`: kept back while the hook waits for it, in one block of
 * the plane, in the form that its client gets it in. Nothing of the answer has gone out then, so a
 * backend that breaks it off has failed like any other. What is longer than the hook wants goes on from
 * there as if nobody had asked.
 */
#ifndef NEAP_EXCHANGE_KEPT_ANSWER_H
#define NEAP_EXCHANGE_KEPT_ANSWER_H

#include "exchange/relay.h"

/* From now on hooks get at it. */
void kept_answer_open(struct relay *r);

/*
 * While a hook waits for it: the leg has something to be read. RELAY_GATHERED: the hook can go on;
 * RELAY_WAITS; or what became of the attempt. Then the hook has ended.
 */
enum relay_outcome kept_answer_read(struct relay *r);

/* Nothing came of it for too long. */
enum attempt_outcome kept_answer_overdue(struct relay *r);

#endif
