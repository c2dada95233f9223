#include "net/timer.h"

#include <stdlib.h>
#include <string.h>

/* libev's clock is read a moment before ours: this much later it surely is our deadline too. */
static const double skew_s = 0.0005;

static void arm_lanes(struct timers *t, int64_t due_ms)
{
	double delay_s = (double)(due_ms * 1000 - t->loop->now_us) / 1e6;

	if (delay_s < 0)
		delay_s = 0;
	ev_timer_stop(t->loop->ev, &t->timer);
	ev_timer_set(&t->timer, delay_s + skew_s, 0.);
	ev_timer_start(t->loop->ev, &t->timer);
	t->armed_ms = due_ms;
}

static struct timer *oldest_timer(const struct timer_lane *lane)
{
	struct list *node = list_first(&lane->queue);

	return node == NULL ? NULL : container_of(node, struct timer, node);
}

/* Looks at the lane's head anew each time, for on_due may free any timer and start new ones
 * (which are due later than NOW_MS, so this ends). */
static void expire_lane(struct timer_lane *lane, int64_t now_ms)
{
	struct timer *timer;

	while ((timer = oldest_timer(lane)) != NULL && timer->due_ms <= now_ms) {
		list_remove(&timer->node);
		loop_note_beat(lane->timers->loop);
		timer->on_due(timer);
	}
}

static int64_t next_due_ms(const struct timers *t)
{
	int64_t due_ms = INT64_MAX;

	for (const struct timer_lane *lane = t->lanes; lane != NULL; lane = lane->next) {
		const struct timer *timer = oldest_timer(lane);

		if (timer != NULL && timer->due_ms < due_ms)
			due_ms = timer->due_ms;
	}
	return due_ms;
}

static void lanes_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct timers *t = container_of(w, struct timers, timer);
	int64_t now_ms = loop_now_ms(t->loop);

	(void)ev;
	(void)events;
	/* Nothing is armed while lanes are looked at: it would be done again below. */
	t->armed_ms = INT64_MIN;
	for (struct timer_lane *lane = t->lanes; lane != NULL; lane = lane->next)
		expire_lane(lane, now_ms);
	int64_t due_ms = next_due_ms(t);
	if (due_ms == INT64_MAX)
		t->armed_ms = INT64_MAX;
	else
		arm_lanes(t, due_ms);
}

void timers_init(struct timers *t, struct loop *loop)
{
	t->loop = loop;
	t->lanes = NULL;
	memset(t->steps, 0, sizeof(t->steps));
	t->armed_ms = INT64_MAX;
	ev_timer_init(&t->timer, lanes_cb, 0., 0.);
	/* After the sockets: what has arrived in the same turn was in time. */
	ev_set_priority(&t->timer, EV_MINPRI);
}

static void lane_free(struct timer_lane *lane)
{
	struct list *node;

	while ((node = list_first(&lane->queue)) != NULL)
		list_remove(node);
	free(lane);
}

void timers_fini(struct timers *t)
{
	ev_timer_stop(t->loop->ev, &t->timer);
	for (struct timer_lane *lane = t->lanes, *next; lane != NULL; lane = next) {
		next = lane->next;
		lane_free(lane);
	}
	t->lanes = NULL;
	memset(t->steps, 0, sizeof(t->steps));
	t->armed_ms = INT64_MAX;
}

struct timer_lane *timers_lane(struct timers *t, uint32_t duration_ms)
{
	struct timer_lane *lane;

	for (lane = t->lanes; lane != NULL; lane = lane->next) {
		if (lane->duration_ms == duration_ms)
			return lane;
	}
	lane = malloc(sizeof(*lane));
	if (lane == NULL)
		return NULL;
	*lane = (struct timer_lane){ .timers = t, .duration_ms = duration_ms, .next = t->lanes };
	list_init(&lane->queue);
	t->lanes = lane;
	return lane;
}

struct timer_lane *timers_step(struct timers *t, int64_t ms)
{
	unsigned step = 0;

	while (step + 1 < TIMER_STEPS && (int64_t)2 << step <= ms)
		step++;
	if (t->steps[step] == NULL)
		t->steps[step] = timers_lane(t, 1U << step);
	return t->steps[step];
}

void timer_init(struct timer *t, void (*on_due)(struct timer *self))
{
	list_init(&t->node);
	t->due_ms = 0;
	t->on_due = on_due;
}

/*
 * It counts from the next full millisecond, so it is never early. 0 is taken as 1: a timer that
 * starts itself again in on_due comes in another turn.
 */
static int64_t due_of(const struct timer_lane *lane)
{
	int64_t now_ms = (lane->timers->loop->now_us + 999) / 1000;

	return now_ms + (lane->duration_ms > 0 ? lane->duration_ms : 1);
}

void timer_start(struct timer *t, struct timer_lane *lane)
{
	list_remove(&t->node);
	if (lane == NULL)
		return;
	t->due_ms = due_of(lane);
	list_append(&lane->queue, &t->node);
	/*
	 * A deadline that is no longer wanted stays armed: to take it back costs more than its
	 * firing.
	 */
	if (t->due_ms < lane->timers->armed_ms)
		arm_lanes(lane->timers, t->due_ms);
}

void timer_stop(struct timer *t)
{
	list_remove(&t->node);
}
