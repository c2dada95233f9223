/*
 * The story of a request, for `neap explain`: which backends were eligible and which were not, what
 * each hook decided and how long it took, what each attempt came to. Every n-th request has one,
 * and each that had a failure. It is kept on the board as JSON. Where none is told, a request costs
 * one branch.
 */
#ifndef NEAP_EXCHANGE_STORY_H
#define NEAP_EXCHANGE_STORY_H

#include "exchange/request.h"

/* Memory for as many as there may be requests; nothing where the config tells none. */
enum err stories_create(struct plane *p, uint32_t requests, struct error *e);
void stories_destroy(struct plane *p);

/* A request begins: is it one of those? */
void story_begin(struct request *rq);

/* A copy begins, whose original has one. */
void story_copy(struct request *rq);

/* What became of the copy for its pool's mirror: constant words. */
void story_mirror(struct request *rq, const char *pool, const char *what);

/* What became of a hedge: constant words. */
void story_hedge(struct request *rq, const char *what);

/* A rival ends, whose steps were told in the same story: if it was the one to begin it, it is TO's now. */
void story_join(struct request *to, struct request *from);

/* The hooks are about to be asked this. */
void story_ask(struct request *rq, enum ask ask);

/* What they decided. */
void story_verdict(struct request *rq, enum neap_verdict verdict);

/* The attempt failed (rq->failure says how): from here on the story is told in any case. */
void story_failed(struct request *rq);

static inline bool story_is_on(const struct request *rq)
{
	return unlikely(rq->plane->conf->explain.is_on);
}

static inline void story_on_begin(struct request *rq)
{
	if (story_is_on(rq))
		story_begin(rq);
}

static inline void story_on_ask(struct request *rq, enum ask ask)
{
	if (unlikely(rq->story != NULL))
		story_ask(rq, ask);
}

static inline void story_on_verdict(struct request *rq, enum neap_verdict verdict)
{
	if (unlikely(rq->story != NULL))
		story_verdict(rq, verdict);
}

static inline void story_on_failed(struct request *rq)
{
	if (story_is_on(rq))
		story_failed(rq);
}

/* The end: it goes to the board. */
void story_end(struct request *rq, const struct neap_outcome *o);

#endif
