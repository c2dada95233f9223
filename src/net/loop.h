/*
 * The event loop of one process: a libev loop (epoll, EVFLAG_NOENV), the time cached once a
 * wake-up, and work put off to the end of a loop turn. One loop a process; everything that takes a
 * struct loop is called on it only.
 */
#ifndef NEAP_NET_LOOP_H
#define NEAP_NET_LOOP_H

#include <ev.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

/* Work for the end of this loop turn; embed it in its object. Linked while it waits. */
struct deferred {
	struct list node;
	void (*run)(struct deferred *self);
};

/* One thing that happened in this turn, to be told in its order. */
struct news {
	void *about; /* NULL: no longer wanted */
	void (*tell)(void *about, int events);
	int events;
};

struct loop {
	struct ev_loop *ev;
	int64_t now_us;	 /* monotonic, taken once after each wake-up: no clock call a request */
	double unix_now; /* wall clock of that moment, seconds */
	struct list deferred;
	ev_check check;
	ev_prepare prepare;
	ev_idle idle; /* active while deferred work is left over */
	ev_check deliver;
	struct news *news; /* of this turn */
	uint32_t news_n, news_room;
	uint32_t told; /* how many of this turn were told */
};

enum err loop_init(struct loop *l, struct error *e);
void loop_fini(struct loop *l);

void loop_run(struct loop *l); /* until loop_break, then what is deferred */
void loop_break(struct loop *l);

static inline int64_t loop_now_ms(const struct loop *l)
{
	return l->now_us / 1000;
}

/* Takes the time anew: before the loop runs, or after long work in one turn. */
void loop_refresh_time(struct loop *l);

/*
 * Runs d->run(d) before the loop sleeps next. Once, however often it is asked for; what run itself
 * defers runs in the same turn (work that defers itself endlessly is interrupted by the sockets).
 * The object must live until then or cancel.
 */
void deferred_init(struct deferred *d, void (*run)(struct deferred *self));
void loop_defer(struct loop *l, struct deferred *d);
void loop_defer_cancel(struct deferred *d);

/*
 * libev calls the watchers of one turn the last one first; under load, whoever waited longest would
 * wait longest again. So watchers of LOOP_FIRST only note what happened, and it is told from the
 * end on, before all watchers of a lower priority are called. Returns the place of the note for
 * loop_news_drop; 0: no memory, the watcher will be called again in the next turn.
 */
enum { LOOP_FIRST = EV_MAXPRI - 1, LOOP_LATE = -1 };
uint32_t loop_news_add(struct loop *l, void *about, void (*tell)(void *about, int events),
		       int events);
void loop_news_drop(struct loop *l, uint32_t place);

#endif
