/*
 * Records of live traffic, for `neap record`: what the hooks of a request saw, and what they
 * decided, as a line of JSON in the recording on the board (shm/recording.h). Without a recording a
 * request costs one branch.
 *
 * Two kinds of lines: {"pool":…} says what a version of a pool is, before the first request that
 * saw it (of this worker); {"request":…} is a request with its steps and its outcome.
 */
#ifndef NEAP_EXCHANGE_RECORD_H
#define NEAP_EXCHANGE_RECORD_H

#include "exchange/request.h"
#include "shm/board.h"

static inline bool record_is_on(const struct plane *p)
{
	return unlikely(atomic_load_explicit(&p->board->recording.number, memory_order_relaxed) !=
			0);
}

/* A request begins, its head is there; rq->record is NULL afterwards when it is not recorded. */
void record_begin(struct request *rq);

/* Hooks are about to be asked this. */
void record_ask(struct request *rq, enum ask ask);

/* The attempt failed (rq->failure): `failed` is about to be asked. */
void record_failed(struct request *rq);

/* What they decided. */
void record_verdict(struct request *rq, enum neap_verdict verdict);

/* The end: the line goes to the recording. */
void record_end(struct request *rq, const struct neap_outcome *o);

#endif
