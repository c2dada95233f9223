/*
 * The pace of dialling one backend, as one worker keeps it. A burst of requests that each dial a
 * connection of their own overflows the backend's accept queue: the kernel drops what does not fit
 * and asks again after one second, then two. So only a few dialled connections may be without an
 * answer at once. What comes then waits, in order, for a kept connection or for an answer on one of
 * those. That is for a moment only: a backend is to get as many connections as it has requests. So
 * the bound grows each PACE_MOMENT_MS while somebody waits, in steps that double until a dial is lost;
 * slowly while dials hang and nothing is answered; and by one with each slow answer. A dial that still
 * hangs when a later one stands was dropped: its owner waits anew, instead of for the kernel, the bound
 * falls to what is outstanding, and for a second it stays while answers come. After a calm while it is
 * small again.
 */
#ifndef NEAP_UPSTREAM_PACE_H
#define NEAP_UPSTREAM_PACE_H

#include "net/timer.h"

enum { PACE_MOMENT_MS = 5 };

/* The place of what waits; list_init its node before the first use. */
struct pace_place {
	struct list node; /* linked: it waits */
	void (*on_turn)(struct pace_place *place);
};

struct pace {
	struct list waiting;   /* the longest first */
	uint32_t unanswered;   /* connections dialled, without an answer so far */
	uint32_t bound, least; /* so many may be */
	uint32_t step;	       /* by so much the bound grows next */
	uint32_t dialling;     /* of the unanswered: those that do not stand yet */
	uint32_t answers;      /* first ones, since the last tick */
	uint32_t hung;	       /* ticks while dials hung */
	int64_t crowded_us;    /* when one had to wait last */
	int64_t lost_us;       /* when a dial was dropped last; 0: never */
	struct loop *loop;
	struct timer_lane *moment; /* PACE_MOMENT_MS */
	const unsigned *idle_n;	   /* kept connections that are free now: the backend's count */
	struct deferred pass;
	struct timer tick; /* runs while one waits */
};

/* workers: how many share the backend's queue. idle_n: where its free kept connections are counted. */
void pace_init(struct pace *p, struct loop *loop, struct timer_lane *moment, unsigned workers,
	       const unsigned *idle_n);
void pace_fini(struct pace *p); /* nobody waits any more */

static inline bool pace_is_crowded(const struct pace *p)
{
	return unlikely(!list_is_empty(&p->waiting));
}

/* May one that comes now dial? */
static inline bool pace_may_dial(const struct pace *p)
{
	return !pace_is_crowded(p) && p->unanswered < p->bound;
}

/*
 * Waits after the others. on_turn is called once, no longer linked: take a kept connection or
 * dial. It may leave before with pace_leave. The deadline is its own.
 */
void pace_join(struct pace *p, struct pace_place *place, void (*on_turn)(struct pace_place *place));

/* The same, before the others: its dial was lost. */
void pace_join_again(struct pace *p, struct pace_place *place,
		     void (*on_turn)(struct pace_place *place));

static inline void pace_leave(struct pace_place *place)
{
	if (unlikely(!list_is_empty(&place->node)))
		list_remove(&place->node);
}

/* What happens to a dialled connection, in this order; took_us: since it was begun. */
void pace_on_dial(struct pace *p);
void pace_on_stands(struct pace *p, int64_t took_us);
void pace_on_answer(struct pace *p, int64_t took_us);

/* Dials begun before another one that stands now do not. */
void pace_on_loss(struct pace *p);

/* It ended before: while it was dialled, or without an answer. */
void pace_on_failure(struct pace *p, bool stood);

/* A kept connection is free: what waits longest has it at the end of this turn of the loop. */
void pace_wake(struct pace *p);

#endif
