/*
 * Deadlines for very many objects without system calls and heap work. There is one FIFO lane per
 * duration: all timers of a lane wait equally long, so the oldest is always first. One libev timer
 * serves all lanes. Starting, moving and stopping a timer links a list node. A timer is at most 1
 * ms and a turn of the loop late, and never early.
 */
#ifndef NEAP_NET_TIMER_H
#define NEAP_NET_TIMER_H

#include "net/loop.h"

struct timer {
	struct list node;
	int64_t due_ms;
	void (*on_due)(struct timer *self); /* already stopped when called; may start, stop, free
					       itself and others */
};

struct timers;

struct timer_lane {
	struct timers *timers;
	struct list queue;
	uint32_t duration_ms;
	struct timer_lane *next;
};

enum { TIMER_STEPS = 24 }; /* the longest: more than two hours */

struct timers {
	struct loop *loop;
	struct timer_lane *lanes;
	struct timer_lane *steps[TIMER_STEPS]; /* of 1, 2, 4, … ms; NULL: not needed so far */
	ev_timer timer;
	int64_t armed_ms; /* when the libev timer will fire; INT64_MAX when it does not run */
};

void timers_init(struct timers *t, struct loop *loop);
void timers_fini(struct timers *t); /* timers still running are forgotten */

/* The lane of that duration, made at first use (configuration time; a handful exist). NULL: no
 * memory. */
struct timer_lane *timers_lane(struct timers *t, uint32_t duration_ms);

/*
 * For a time that no lane is made for (a client says how long): the lane of the longest step within
 * it. A timer that comes due there looks at the clock, and goes on to the lane for the rest. So all
 * such times share a few lanes. NULL: no memory.
 */
struct timer_lane *timers_step(struct timers *t, int64_t ms);

void timer_init(struct timer *t, void (*on_due)(struct timer *self));

/* Due after the lane's duration, from now (the loop's cached time); moves it if it runs already.
 * lane NULL: only stops it. */
void timer_start(struct timer *t, struct timer_lane *lane);
void timer_stop(struct timer *t); /* harmless when it does not run */

static inline bool timer_runs(const struct timer *t)
{
	return !list_is_empty(&t->node);
}

#endif
