/*
 * Those who watch what becomes of a request: its story (`neap explain`) and its record (`neap
 * record`). Where neither is asked for, each costs a branch.
 */
#ifndef NEAP_EXCHANGE_WITNESS_H
#define NEAP_EXCHANGE_WITNESS_H

#include "exchange/record.h"
#include "exchange/story.h"

static inline void witness_begin(struct request *rq)
{
	story_on_begin(rq);
	if (record_is_on(rq->plane))
		record_begin(rq);
}

static inline void witness_ask(struct request *rq, enum ask ask)
{
	story_on_ask(rq, ask);
	if (unlikely(rq->record != NULL))
		record_ask(rq, ask);
}

static inline void witness_failed(struct request *rq)
{
	story_on_failed(rq);
	if (unlikely(rq->record != NULL))
		record_failed(rq);
}

static inline void witness_verdict(struct request *rq, enum neap_verdict verdict)
{
	story_on_verdict(rq, verdict);
	if (unlikely(rq->record != NULL))
		record_verdict(rq, verdict);
}

#endif
