/*
 * Those who watch what becomes of a request: its story (`neap explain`) and its record (`neap
 * record`). Where neither is asked for: a branch each.
 */
#ifndef NEAP_PROXY_WITNESS_H
#define NEAP_PROXY_WITNESS_H

#include "proxy/record.h"
#include "proxy/story.h"

static inline void witness_begin(struct exchange *ex)
{
	story_on_begin(ex);
	if (record_is_on(ex->proxy))
		record_begin(ex);
}

static inline void witness_step(struct exchange *ex)
{
	story_on_step(ex);
	if (unlikely(ex->record != NULL))
		record_step(ex);
}

static inline void witness_failed(struct exchange *ex)
{
	story_on_failed(ex);
	if (unlikely(ex->record != NULL))
		record_failed(ex);
}

static inline void witness_verdict(struct exchange *ex, enum neap_verdict verdict)
{
	story_on_verdict(ex, verdict);
	if (unlikely(ex->record != NULL))
		record_verdict(ex, verdict);
}

#endif
