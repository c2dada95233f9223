/*
 * The event loop of one process: a libev loop (epoll, EVFLAG_NOENV), the time taken once per
 * wake-up, and work that is put off to the end of a turn. There is one loop per process, and
 * whatever takes a struct loop is called on that one only.
 */
#ifndef NEAP_NET_LOOP_H
#define NEAP_NET_LOOP_H

#include <ev.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"

/*
 * Work for the end of this turn, or for the next one; embedded in its object. Linked while it
 * waits.
 */
struct deferred {
	struct list node;
	void (*run)(struct deferred *self);
};

/* One thing that happened in this turn and is told in its order. */
struct news {
	void *about; /* NULL: no longer wanted */
	void (*tell)(void *about, int events);
	int events;
};

struct tls_worker;

struct loop {
	struct ev_loop *ev;
	int64_t now_us;	  /* monotonic, taken once after each wake-up: no request reads the clock */
	double unix_now;  /* wall clock of that moment, seconds */
	int64_t until_us; /* this turn has time for more work until then */
	struct list deferred;
	struct list yielded;
	struct list next;
	ev_check check, turn;
	ev_prepare prepare;
	ev_idle idle; /* active while work is left over for the next turn */
	ev_check deliver;
	struct news *news; /* of this turn */
	uint32_t news_n, news_room;
	uint32_t told;		/* how many were told in this turn */
	_Atomic uint64_t *beat; /* grows with each thing done; never NULL; the owner may set it */
	_Atomic uint64_t own_beat;
	struct tls_worker *tls; /* what its TLS streams share (net/tls_worker.h); NULL: none yet */
	/* Memory that it may give back (net/trim.h). */
	struct list slabs;
	struct deferred trim;
	int64_t trimmed_us; /* when it looked last */
};

enum err loop_init(struct loop *l, struct error *e);
void loop_fini(struct loop *l); /* harmless when it was ended, and on one that is all zero */

void loop_run(struct loop *l); /* until loop_break, then what is deferred */
void loop_break(struct loop *l);

static inline int64_t loop_now_ms(const struct loop *l)
{
	return l->now_us / 1000;
}

/* Takes the time anew: before the loop runs, or after long work in one turn. */
void loop_refresh_time(struct loop *l);

/*
 * Runs d->run(d) before the loop sleeps next: once, however often it is asked for. What run itself
 * defers runs in the same turn; work that defers itself endlessly is interrupted by the sockets.
 * The object must live until then or cancel.
 */
void deferred_init(struct deferred *d, void (*run)(struct deferred *self));
void loop_defer(struct loop *l, struct deferred *d);
void loop_defer_cancel(struct deferred *d); /* of loop_yield and loop_next, too */

/*
 * Runs d->run(d) once in the next turn, after everything that happened in it. It is for work that
 * has had its share of this turn. The first one always runs; others follow in their order while the
 * turn has time, the rest in the turn after.
 */
void loop_yield(struct loop *l, struct deferred *d);

/*
 * Runs d->run(d) once at the beginning of the next turn, which comes without a sleep: for what no
 * poll announces. It only notes what happened (loop_news_add), or asks for loop_next again.
 */
void loop_next(struct loop *l, struct deferred *d);

/* Has this turn time for work that could wait for the next one? Reads the clock. */
bool loop_has_time(const struct loop *l);

/* Something was done: by this a loop that does a lot in one turn is seen to be alive. */
static inline void loop_note_beat(const struct loop *l)
{
	uint64_t beat = atomic_load_explicit(l->beat, memory_order_relaxed);

	atomic_store_explicit(l->beat, beat + 1, memory_order_relaxed); /* the only writer */
}

/*
 * libev calls the watchers of one turn in reverse order: under load, the one that waited longest
 * would wait longest again. So watchers of LOOP_FIRST, and what loop_next runs, only note what
 * happened. The notes are told from the last to the first, before watchers of a lower priority are
 * called. Returns the place of the note for the two functions below; 0: no memory. In that case the
 * watcher is called again in the next turn.
 */
enum { LOOP_FIRST = EV_MAXPRI - 1, LOOP_LATE = -1 };
uint32_t loop_news_add(struct loop *l, void *about, void (*tell)(void *about, int events),
		       int events);
void loop_news_drop(struct loop *l, uint32_t place);
void loop_news_extend(struct loop *l, uint32_t place, int events); /* these happened, too */

#endif
