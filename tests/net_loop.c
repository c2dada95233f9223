#include "net_support.h"

#include <stdlib.h>
#include <unistd.h>

struct work {
	struct deferred deferred;
	struct loop *loop;
	struct work *next, *victim;
	unsigned runs;
	bool forever;
};

static void run_work(struct deferred *d)
{
	struct work *w = container_of(d, struct work, deferred);

	w->runs++;
	if (w->next != NULL)
		loop_defer(w->loop, &w->next->deferred);
	if (w->victim != NULL)
		loop_defer_cancel(&w->victim->deferred);
	if (w->forever)
		loop_defer(w->loop, d);
}

static void work_init(struct work *w, struct loop *l)
{
	*w = (struct work){ .loop = l };
	deferred_init(&w->deferred, run_work);
}

static void test_defer(struct loop *l)
{
	struct work a, b, c;

	check_case("loop_defer");
	work_init(&a, l);
	work_init(&b, l);
	work_init(&c, l);
	a.next = &b;
	loop_defer(l, &a.deferred);
	loop_defer(l, &a.deferred);
	loop_defer(l, &c.deferred);
	loop_defer_cancel(&c.deferred);
	loop_defer_cancel(&c.deferred);
	check(a.runs == 0, "not at once");
	run_turn(l);
	check(a.runs == 1, "once, however often it is asked for");
	check(b.runs == 1, "what is deferred by it runs in the same turn");
	check(c.runs == 0, "cancelled work does not run");
	run_turn(l);
	check(a.runs == 1 && b.runs == 1, "not again");
	a.next = NULL;
	a.victim = &b;
	loop_defer(l, &a.deferred);
	loop_defer(l, &b.deferred);
	run_turn(l);
	check(a.runs == 2 && b.runs == 1, "one may cancel another of the same turn");
}

static void run_again(struct deferred *d)
{
	struct work *w = container_of(d, struct work, deferred);

	w->runs++;
	loop_next(w->loop, d);
}

static void test_next(struct loop *l)
{
	struct work a, b, again;

	check_case("loop_next");
	work_init(&a, l);
	work_init(&b, l);
	work_init(&again, l);
	a.victim = &b;
	loop_next(l, &a.deferred);
	loop_next(l, &a.deferred);
	loop_next(l, &b.deferred);
	check(a.runs == 0, "not at once");
	run_one(l);
	check(a.runs == 1 && b.runs == 0, "once in the next turn, unless it is cancelled");
	deferred_init(&again.deferred, run_again);
	loop_next(l, &again.deferred);
	run_one(l);
	check(again.runs == 1, "what asks again runs in the turn after");
	run_one(l);
	check(again.runs == 2, "which comes without a sleep");
	loop_defer_cancel(&again.deferred);
	run_turn(l);
	check(again.runs == 2 && !ev_is_active(&l->idle), "afterwards the loop sleeps again");
}

static void free_work(struct deferred *d)
{
	free(container_of(d, struct work, deferred));
}

static void test_free_in_run(struct loop *l)
{
	struct work *w = malloc(sizeof(*w));

	check_case("work that frees itself");
	if (!check(w != NULL, "memory"))
		return;
	work_init(w, l);
	deferred_init(&w->deferred, free_work);
	loop_defer(l, &w->deferred);
	run_turn(l);
	check(list_is_empty(&l->deferred), "is no longer linked");
}

static void note_cb(struct ev_loop *ev, ev_io *w, int events)
{
	(void)events;
	*(int *)w->data = 1;
	ev_io_stop(ev, w);
}

static void test_endless(struct loop *l)
{
	struct work w;
	ev_io reader;
	int fds[2], seen = 0;

	check_case("work that defers itself for ever");
	pair_unix(fds);
	work_init(&w, l);
	w.forever = true;
	loop_defer(l, &w.deferred);
	ev_io_init(&reader, note_cb, fds[0], EV_READ);
	reader.data = &seen;
	ev_io_start(l->ev, &reader);
	check(write(fds[1], "x", 1) == 1, "a byte is sent");
	run_until(l, &seen);
	check(w.runs > 1, "it went on");
	loop_defer_cancel(&w.deferred);
	run_turn(l);
	check(!ev_is_active(&l->idle), "afterwards the loop sleeps again");
	(void)close(fds[0]);
	(void)close(fds[1]);
}

struct breaker {
	ev_timer timer;
	struct loop *loop;
	struct work *work;
	int64_t seen_us;
};

static void break_cb(struct ev_loop *ev, ev_timer *t, int events)
{
	struct breaker *b = container_of(t, struct breaker, timer);

	(void)ev;
	(void)events;
	b->seen_us = b->loop->now_us;
	loop_defer(b->loop, &b->work->deferred);
	loop_break(b->loop);
}

static void test_run(struct loop *l)
{
	struct work w;
	struct breaker b = { .loop = l, .work = &w };

	check_case("loop_run");
	work_init(&w, l);
	loop_refresh_time(l);
	int64_t before_us = l->now_us;
	double unix_before = l->unix_now;
	ev_timer_init(&b.timer, break_cb, 0.003, 0.);
	ev_timer_start(l->ev, &b.timer);
	loop_run(l);
	check(b.seen_us >= before_us + 2900, "a callback sees the time of its wake-up");
	check(l->unix_now > unix_before, "the wall clock too");
	check(w.runs == 1, "what is deferred when it breaks still runs");
}

void net_loop_tests(struct loop *l)
{
	test_defer(l);
	test_next(l);
	test_free_in_run(l);
	test_endless(l);
	test_run(l);
}
