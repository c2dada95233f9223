#include "upstream/pace.h"

enum {
	SHARED_LEAST = 4, /* of all workers: the shortest accept queues in use hold five */
	SLOW_MS = 10,	  /* a dial or an answer that takes so long lets one more go */
	HUNG_TICKS = 4,	  /* while dials hang, one more goes each so many moments */
	LOSSY_MS = 100,	  /* after a loss the steps do not grow */
	WARY_MS = 1000,	  /* nor does the bound, while there are answers to wait for */
	CALM_MS = 1000,	  /* nobody waited: small again */
};

static bool has_lasted(int64_t us, int ms)
{
	return us >= (int64_t)ms * 1000;
}

void pace_wake(struct pace *p)
{
	if (pace_is_crowded(p))
		loop_defer(p->loop, &p->pass);
}

static bool may_one_go(const struct pace *p)
{
	return pace_is_crowded(p) && (*p->idle_n > 0 || p->unanswered < p->bound);
}

static void pass(struct deferred *d)
{
	struct pace *p = container_of(d, struct pace, pass);
	while (may_one_go(p)) {
		struct list *node = list_first(&p->waiting);
		struct pace_place *place = container_of(node, struct pace_place, node);
		list_remove(node);
		place->on_turn(place);
	}
}

/* Was a dial lost so short a while ago? */
static bool has_lost_within(const struct pace *p, int ms)
{
	return p->lost_us != 0 && !has_lasted(p->loop->now_us - p->lost_us, ms);
}

/*
 * All dials stand, or what stands is answered: more may come, more of them each time until one is
 * lost. While dials hang and nothing is answered, the backend may not get to what was dialled.
 */
static void grow(struct pace *p)
{
	uint32_t answers = p->answers;
	p->answers = 0;
	if (answers > 0 && has_lost_within(p, WARY_MS))
		return;
	if (answers > 0 || p->dialling == 0) {
		p->bound += p->step;
		p->step *= has_lost_within(p, LOSSY_MS) ? 1 : 2;
	} else if (++p->hung % HUNG_TICKS == 0) {
		p->bound++;
	}
}

/* A backend that takes long may have many more on their way to it. */
static void note_slowness(struct pace *p, int64_t took_us)
{
	if (pace_is_crowded(p) && has_lasted(took_us, SLOW_MS) && !has_lost_within(p, LOSSY_MS))
		p->bound++;
}

static void on_tick(struct timer *t)
{
	struct pace *p = container_of(t, struct pace, tick);
	if (!pace_is_crowded(p))
		return;
	if (p->unanswered >= p->bound)
		grow(p);
	pace_wake(p);
	timer_start(t, p->moment);
}

void pace_init(struct pace *p, struct loop *loop, struct timer_lane *moment, unsigned workers,
	       const unsigned *idle_n)
{
	uint32_t least = workers > 0 ? SHARED_LEAST / workers : SHARED_LEAST;
	*p = (struct pace){
		.loop = loop, .moment = moment, .least = least > 0 ? least : 1, .idle_n = idle_n
	};
	p->bound = p->step = p->least;
	list_init(&p->waiting);
	deferred_init(&p->pass, pass);
	timer_init(&p->tick, on_tick);
}

void pace_fini(struct pace *p)
{
	timer_stop(&p->tick);
	loop_defer_cancel(&p->pass);
}

static void expect_turn(struct pace *p)
{
	p->crowded_us = p->loop->now_us;
	if (timer_runs(&p->tick))
		return;
	p->answers = 0;
	timer_start(&p->tick, p->moment);
}

void pace_join(struct pace *p, struct pace_place *place, void (*on_turn)(struct pace_place *place))
{
	place->on_turn = on_turn;
	list_append(&p->waiting, &place->node);
	expect_turn(p);
}

void pace_join_again(struct pace *p, struct pace_place *place,
		     void (*on_turn)(struct pace_place *place))
{
	place->on_turn = on_turn;
	list_prepend(&p->waiting, &place->node);
	expect_turn(p);
}

void pace_on_dial(struct pace *p)
{
	p->unanswered++;
	p->dialling++;
}

void pace_on_stands(struct pace *p, int64_t took_us)
{
	p->dialling--;
	note_slowness(p, took_us);
}

void pace_on_loss(struct pace *p)
{
	p->bound = p->unanswered > p->least ? p->unanswered : p->least;
	p->step = 1;
	p->lost_us = p->loop->now_us;
}

static void end(struct pace *p)
{
	p->unanswered--;
	if (p->unanswered == 0 && has_lasted(p->loop->now_us - p->crowded_us, CALM_MS))
		p->bound = p->step = p->least;
	pace_wake(p);
}

void pace_on_answer(struct pace *p, int64_t took_us)
{
	p->answers++;
	note_slowness(p, took_us);
	end(p);
}

void pace_on_failure(struct pace *p, bool stood)
{
	if (!stood)
		p->dialling--;
	end(p);
}
