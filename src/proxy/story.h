/*
 * The story of a request, for `neap explain`: who was eligible and who was not, what each hook
 * decided and how long it took, what each attempt came to. Told of every n-th request, and of all
 * that had a failure; kept on the board as JSON. A worker that tells none has one branch more.
 */
#ifndef NEAP_PROXY_STORY_H
#define NEAP_PROXY_STORY_H

#include "proxy/state.h"

/* What one takes of memory. */
size_t story_bytes(void);

/* A request begins: is it one of those? */
void story_begin(struct exchange *ex);

/* A hook is about to be called in this state. */
void story_step(struct exchange *ex);

/* What the hooks of that state decided. */
void story_verdict(struct exchange *ex, enum neap_verdict verdict);

/* The attempt failed (ex->failure says how): from here on the story is told in any case. */
void story_failed(struct exchange *ex);

static inline bool story_is_on(const struct exchange *ex)
{
	return unlikely(ex->proxy->conf->explain.is_on);
}

static inline void story_on_begin(struct exchange *ex)
{
	if (story_is_on(ex))
		story_begin(ex);
}

static inline void story_on_step(struct exchange *ex)
{
	if (unlikely(ex->story != NULL))
		story_step(ex);
}

static inline void story_on_verdict(struct exchange *ex, enum neap_verdict verdict)
{
	if (unlikely(ex->story != NULL))
		story_verdict(ex, verdict);
}

static inline void story_on_failed(struct exchange *ex)
{
	if (story_is_on(ex))
		story_failed(ex);
}

/* The end: it goes to the board. */
void story_end(struct exchange *ex, const struct neap_outcome *o);

#endif
