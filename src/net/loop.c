#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

enum { ROUNDS_MAX = 64, NEWS_ROOM = 64 };

static void take_time(struct loop *l)
{
	l->now_us = clock_now_ns() / 1000;
	l->unix_now = ev_now(l->ev);
}

/* What was deferred up to now; what these defer themselves comes in the next round. */
static void run_round(struct loop *l)
{
	struct list round;
	struct list *node;

	list_init(&round);
	while ((node = list_first(&l->deferred)) != NULL) {
		list_remove(node);
		list_append(&round, node);
	}
	while ((node = list_first(&round)) != NULL) {
		struct deferred *d = container_of(node, struct deferred, node);

		list_remove(node);
		d->run(d); /* may free d, and cancel others of this round */
	}
}

static void run_deferred(struct loop *l)
{
	for (int i = 0; i < ROUNDS_MAX && !list_is_empty(&l->deferred); i++)
		run_round(l);
}

static void prepare_cb(struct ev_loop *ev, ev_prepare *w, int events)
{
	struct loop *l = container_of(w, struct loop, prepare);

	(void)events;
	run_deferred(l);
	/* Objects that defer each other for ever must not keep the sockets waiting: an active idle
	 * watcher makes libev look at them without sleeping. */
	if (!list_is_empty(&l->deferred))
		ev_idle_start(ev, &l->idle);
	else
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
	(void)ev;
	(void)events;
	take_time(container_of(w, struct loop, check));
}

/*
 * Telling one thing may drop others, but adds none: the watchers that do were all called before
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

		if (n.about != NULL)
			n.tell(n.about, n.events);
	}
}

static bool make_room(struct loop *l)
{
	uint32_t room = l->news_room == 0 ? NEWS_ROOM : 2 * l->news_room;
	struct news *more = realloc(l->news, room * sizeof(*more));

	if (more == NULL)
		return false;
	l->news = more;
	l->news_room = room;
	return true;
}

uint32_t loop_news_add(struct loop *l, void *about, void (*tell)(void *about, int events),
		       int events)
{
	if (unlikely(l->news_n == l->news_room) && !make_room(l))
		return 0;
	l->news[l->news_n] = (struct news){ .about = about, .tell = tell, .events = events };
	return ++l->news_n;
}

void loop_news_drop(struct loop *l, uint32_t place)
{
	l->news[place - 1].about = NULL;
}

enum err loop_init(struct loop *l, struct error *e)
{
	list_init(&l->deferred);
	l->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (l->ev == NULL)
		return err_sys(e, errno, "cannot make an event loop (epoll)");
	/* First of all callbacks after a wake-up, so that all others see the new time. */
	ev_check_init(&l->check, check_cb);
	ev_set_priority(&l->check, EV_MAXPRI);
	ev_check_start(l->ev, &l->check);
	ev_check_init(&l->deliver, deliver_cb);
	ev_set_priority(&l->deliver, LOOP_FIRST - 1);
	ev_check_start(l->ev, &l->deliver);
	l->news = NULL;
	l->news_n = l->news_room = l->told = 0;
	/* Last before sleeping. */
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
