#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/grow.h"

enum { ROUNDS_MAX = 64, SPARE_US = 2000, SPARE_US_MAX = 10000 };

static void take_time(struct loop *l)
{
	l->now_us = clock_now_ns() / 1000;
	l->unix_now = ev_now(l->ev);
	l->until_us = l->now_us + SPARE_US;
}

static void run_first(struct loop *l, struct list *of)
{
	struct deferred *d = container_of(list_first(of), struct deferred, node);

	list_remove(&d->node);
	loop_note_beat(l);
	d->run(d); /* may free d, and cancel others */
}

/* All that are in the list now. Those that they add run in the next round. */
static void run_round(struct loop *l, struct list *of)
{
	struct list round;
	struct list *node;

	list_init(&round);
	while ((node = list_first(of)) != NULL) {
		list_remove(node);
		list_append(&round, node);
	}
	while (!list_is_empty(&round))
		run_first(l, &round);
}

static void run_deferred(struct loop *l)
{
	for (int i = 0; i < ROUNDS_MAX && !list_is_empty(&l->deferred); i++)
		run_round(l, &l->deferred);
}

static void prepare_cb(struct ev_loop *ev, ev_prepare *w, int events)
{
	struct loop *l = container_of(w, struct loop, prepare);

	(void)events;
	run_deferred(l);
	/* Objects that defer each other for ever must not keep the sockets waiting: an active idle
	 * watcher makes libev look at them without sleeping. */
	if (!list_is_empty(&l->deferred) || !list_is_empty(&l->yielded) || !list_is_empty(&l->next))
		ev_idle_start(ev, &l->idle);
	else if (unlikely(ev_is_active(&l->idle)))
		ev_idle_stop(ev, &l->idle);
}

static void idle_cb(struct ev_loop *ev, ev_idle *w, int events)
{
	(void)ev;
	(void)w;
	(void)events;
}

static void check_cb(struct ev_loop *ev, ev_check *w, int events)
{
	struct loop *l = container_of(w, struct loop, check);

	(void)ev;
	(void)events;
	take_time(l);
	if (unlikely(!list_is_empty(&l->next)))
		run_round(l, &l->next);
}

/*
 * Telling one thing may drop others, but adds none: all watchers that add some were called before
 * this one.
 */
static void deliver_cb(struct ev_loop *ev, ev_check *w, int events)
{
	struct loop *l = container_of(w, struct loop, deliver);

	(void)ev;
	(void)events;
	l->told = l->news_n;
	while (l->news_n > 0) {
		struct news n = l->news[--l->news_n];

		if (n.about == NULL)
			continue;
		loop_note_beat(l);
		n.tell(n.about, n.events);
	}
}

/* Work that yielded gets as much time as all other work of this turn took, within bounds. */
static int64_t yielded_share_us(int64_t others_us)
{
	if (others_us < SPARE_US)
		return SPARE_US;
	return others_us < SPARE_US_MAX ? others_us : SPARE_US_MAX;
}

static void turn_cb(struct ev_loop *ev, ev_check *w, int events)
{
	struct loop *l = container_of(w, struct loop, turn);
	struct list end;

	(void)events;
	if (list_is_empty(&l->yielded)) {
		ev_check_stop(ev, w);
		return;
	}
	int64_t now_us = clock_now_ns() / 1000;
	l->until_us = now_us + yielded_share_us(now_us - l->now_us);
	list_append(&l->yielded, &end); /* what yields again comes after it */
	do {
		run_first(l, &l->yielded);
	} while (list_first(&l->yielded) != &end && loop_has_time(l));
	list_remove(&end);
}

static bool grow_news(struct loop *l)
{
	struct news *news = grow(l->news, l->news_n, &l->news_room, sizeof(*news));

	if (news == NULL)
		return false;
	l->news = news;
	return true;
}

uint32_t loop_news_add(struct loop *l, void *about, void (*tell)(void *about, int events),
		       int events)
{
	if (unlikely(l->news_n == l->news_room) && !grow_news(l))
		return 0;
	l->news[l->news_n] = (struct news){ .about = about, .tell = tell, .events = events };
	return ++l->news_n;
}

void loop_news_drop(struct loop *l, uint32_t place)
{
	l->news[place - 1].about = NULL;
}

void loop_news_extend(struct loop *l, uint32_t place, int events)
{
	l->news[place - 1].events |= events;
}

enum err loop_init(struct loop *l, struct error *e)
{
	list_init(&l->deferred);
	list_init(&l->yielded);
	list_init(&l->next);
	atomic_init(&l->own_beat, 0);
	l->beat = &l->own_beat;
	l->tls = NULL;
	list_init(&l->slabs);
	l->trim.run = NULL; /* until it is wanted */
	l->trimmed_us = 0;
	l->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (l->ev == NULL)
		return err_sys(e, errno, "cannot make an event loop (epoll)");
	/* The first callback after a wake-up, so that all others see the new time. */
	ev_check_init(&l->check, check_cb);
	ev_set_priority(&l->check, EV_MAXPRI);
	ev_check_start(l->ev, &l->check);
	ev_check_init(&l->deliver, deliver_cb);
	ev_set_priority(&l->deliver, LOOP_FIRST - 1);
	ev_check_start(l->ev, &l->deliver);
	l->news = NULL;
	l->news_n = l->news_room = l->told = 0;
	/* The last callback of a turn; active only while work has yielded. */
	ev_check_init(&l->turn, turn_cb);
	ev_set_priority(&l->turn, EV_MINPRI);
	/* The last thing before sleeping. */
	ev_prepare_init(&l->prepare, prepare_cb);
	ev_set_priority(&l->prepare, EV_MINPRI);
	ev_prepare_start(l->ev, &l->prepare);
	ev_idle_init(&l->idle, idle_cb);
	take_time(l);
	return ERR_OK;
}

void loop_fini(struct loop *l)
{
	if (l->ev == NULL)
		return;
	ev_idle_stop(l->ev, &l->idle);
	ev_prepare_stop(l->ev, &l->prepare);
	ev_check_stop(l->ev, &l->turn);
	ev_check_stop(l->ev, &l->deliver);
	ev_check_stop(l->ev, &l->check);
	free(l->news);
	ev_loop_destroy(l->ev);
	l->ev = NULL;
}

void loop_run(struct loop *l)
{
	loop_refresh_time(l);
	(void)ev_run(l->ev, 0); /* whether watchers are left is of no interest */
	run_deferred(l);	/* of the turn that was broken off */
}

void loop_break(struct loop *l)
{
	ev_break(l->ev, EVBREAK_ALL);
}

void loop_refresh_time(struct loop *l)
{
	ev_now_update(l->ev);
	take_time(l);
}

void deferred_init(struct deferred *d, void (*run)(struct deferred *self))
{
	list_init(&d->node);
	d->run = run;
}

void loop_defer(struct loop *l, struct deferred *d)
{
	if (list_is_empty(&d->node))
		list_append(&l->deferred, &d->node);
}

void loop_defer_cancel(struct deferred *d)
{
	list_remove(&d->node);
}

void loop_yield(struct loop *l, struct deferred *d)
{
	if (!list_is_empty(&d->node))
		return;
	list_append(&l->yielded, &d->node);
	ev_check_start(l->ev, &l->turn); /* unless it runs already */
}

void loop_next(struct loop *l, struct deferred *d)
{
	if (list_is_empty(&d->node))
		list_append(&l->next, &d->node);
}

bool loop_has_time(const struct loop *l)
{
	return clock_now_ns() / 1000 < l->until_us;
}
