#include "net_support.h"

#include <stdlib.h>

#include "net/timer.h"

struct probe {
	struct timer timer;
	struct loop *loop;
	struct timer_lane *again; /* where it starts itself anew */
	struct probe *other;	  /* whom it stops */
	int fired, order;
	int64_t started_us, fired_us;
};

static int fired_so_far;

static void on_due(struct timer *t)
{
	struct probe *p = container_of(t, struct probe, timer);

	check(!timer_runs(t), "a timer is stopped when it is due");
	p->fired++;
	p->order = ++fired_so_far;
	p->fired_us = p->loop->now_us;
	if (p->again != NULL)
		timer_start(t, p->again);
	if (p->other != NULL)
		timer_stop(&p->other->timer);
}

static void probe_init(struct probe *p, struct loop *l)
{
	*p = (struct probe){ .loop = l };
	timer_init(&p->timer, on_due);
}

static void probe_start(struct probe *p, struct timer_lane *lane)
{
	p->started_us = p->loop->now_us;
	timer_start(&p->timer, lane);
}

static void test_order(struct loop *l, struct timers *t)
{
	struct timer_lane *short_lane = timers_lane(t, 5), *long_lane = timers_lane(t, 20);
	struct probe a, b, c;

	check_case("lanes");
	check(timers_lane(t, 5) == short_lane, "one lane a duration");
	probe_init(&a, l);
	probe_init(&b, l);
	probe_init(&c, l);
	loop_refresh_time(l);
	probe_start(&a, long_lane);
	probe_start(&b, short_lane);
	probe_start(&c, short_lane);
	check(timer_runs(&a.timer), "it runs");
	run_until(l, &a.fired);
	check(b.order < c.order && c.order < a.order, "the sooner first, then the older");
	check(a.fired == 1 && b.fired == 1 && c.fired == 1, "each once");
	check(b.fired_us - b.started_us >= 5000, "5 ms are no less");
	check(a.fired_us - a.started_us >= 20000, "20 ms are no less");
	check(t->armed_ms == INT64_MAX && !ev_is_active(&t->timer), "nothing stays armed");
}

static void test_stop(struct loop *l, struct timers *t)
{
	struct timer_lane *lane = timers_lane(t, 2);
	struct probe stopped, moved, last;

	check_case("timer_stop");
	probe_init(&stopped, l);
	probe_init(&moved, l);
	probe_init(&last, l);
	timer_stop(&stopped.timer);
	loop_refresh_time(l);
	probe_start(&stopped, lane);
	probe_start(&moved, lane);
	timer_stop(&stopped.timer);
	check(!timer_runs(&stopped.timer), "it does not run");
	probe_start(&moved, timers_lane(t, 10));
	probe_start(&last, lane);
	timer_start(&last.timer, NULL);
	check(!timer_runs(&last.timer), "no lane: it only stops");
	run_until(l, &moved.fired);
	check(stopped.fired == 0 && last.fired == 0, "a stopped one is never due");
	check(moved.fired_us - moved.started_us >= 10000, "a moved one waits anew");
}

static void test_rearm(struct loop *l, struct timers *t)
{
	struct timer_lane *late = timers_lane(t, 60000), *soon = timers_lane(t, 30000);
	struct probe a, b;

	check_case("arming");
	probe_init(&a, l);
	probe_init(&b, l);
	loop_refresh_time(l);
	probe_start(&a, late);
	int64_t armed_ms = t->armed_ms;
	unsigned ctls = epoll_ctls();
	for (int i = 0; i < 100000; i++) {
		timer_stop(&a.timer);
		timer_start(&a.timer, late);
	}
	check(t->armed_ms == armed_ms, "starting and stopping arms nothing");
	check(epoll_ctls() == ctls, "and makes no system call");
	probe_start(&b, soon);
	check(t->armed_ms == b.timer.due_ms && t->armed_ms < armed_ms, "an earlier one does");
	timer_stop(&a.timer);
	timer_stop(&b.timer);
}

static void test_again(struct loop *l, struct timers *t)
{
	struct probe p, far;

	check_case("a timer that starts itself again");
	probe_init(&p, l);
	probe_init(&far, l);
	p.again = timers_lane(t, 0);
	loop_refresh_time(l);
	int64_t begun_ms = loop_now_ms(l);
	probe_start(&p, p.again);
	probe_start(&far, timers_lane(t, 10));
	run_until(l, &far.fired);
	int64_t most =
		loop_now_ms(l) - begun_ms + 1; /* how many there are on a slow machine is open */
	check(p.fired >= 1 && p.fired <= most, "comes once a millisecond at most");
	timer_stop(&p.timer);
}

static void test_stop_others(struct loop *l, struct timers *t)
{
	struct timer_lane *lane = timers_lane(t, 3);
	struct probe a, b, c;

	check_case("on_due that stops the next one");
	probe_init(&a, l);
	probe_init(&b, l);
	probe_init(&c, l);
	loop_refresh_time(l);
	probe_start(&a, lane);
	probe_start(&b, lane);
	probe_start(&c, lane);
	a.other = &b;
	run_until(l, &c.fired);
	check(a.fired == 1 && b.fired == 0, "that one is not due any more");
}

struct mortal {
	struct timer timer;
	struct mortal *neighbour;
	int *done;
};

static void on_due_free(struct timer *t)
{
	struct mortal *m = container_of(t, struct mortal, timer);

	timer_stop(&m->neighbour->timer);
	free(m->neighbour);
	*m->done = 1;
	free(m);
}

static void test_free(struct loop *l, struct timers *t)
{
	struct mortal *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));
	int done = 0;

	check_case("on_due that frees itself and its neighbour");
	if (check(a != NULL && b != NULL, "memory")) {
		*a = (struct mortal){ .neighbour = b, .done = &done };
		timer_init(&a->timer, on_due_free);
		timer_init(&b->timer, on_due_free);
		loop_refresh_time(l);
		timer_start(&a->timer, timers_lane(t, 1));
		timer_start(&b->timer, timers_lane(t, 1));
		run_until(l, &done);
	}
}

void net_timer_tests(struct loop *l)
{
	struct timers t;
	struct probe p;

	timers_init(&t, l);
	test_order(l, &t);
	test_stop(l, &t);
	test_rearm(l, &t);
	test_again(l, &t);
	test_stop_others(l, &t);
	test_free(l, &t);
	probe_init(&p, l);
	probe_start(&p, timers_lane(&t, 1));
	timers_fini(&t);
	check_case("timers_fini");
	check(!timer_runs(&p.timer), "forgets what still runs");
}
