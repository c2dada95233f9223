/*
 * Records of live traffic, for `neap record`: what the hooks of a request saw, and what they
 * decided, as a line of JSON in the recording on the board (shm/recording.h). Without a recording:
 * one branch a request.
 *
 * Two kinds of lines: {"pool":…} says what a version of a pool is, before the first request that
 * saw it (of this worker); {"request":…} is a request with its steps and its outcome.
 */
#ifndef NEAP_PROXY_RECORD_H
#define NEAP_PROXY_RECORD_H

#include "proxy/state.h"

static inline bool record_is_on(const struct proxy *p)
{
	return unlikely(atomic_load_explicit(&p->board->recording.number, memory_order_relaxed) !=
			0);
}

/* A request begins, its head is there; ex->record is NULL afterwards when it is not recorded. */
void record_begin(struct exchange *ex);

/* Hooks are about to be asked in this state. */
void record_step(struct exchange *ex);

/* The attempt failed (ex->failure): `failed` is about to be asked. */
void record_failed(struct exchange *ex);

/* What they decided. */
void record_verdict(struct exchange *ex, enum neap_verdict verdict);

/* The end: the line goes to the recording. */
void record_end(struct exchange *ex, const struct neap_outcome *o);

#endif
