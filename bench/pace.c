/*
 * The open loop: requests are due at random times (exponential gaps, the same for every balancer)
 * and their latency counts from when they were due, not from when a connection was free to send
 * them.
 */
#include "load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUEUE_MAX = 1 << 20 };

/* Between 0 and 1, both left out. */
static double dice(struct load *l)
{
	uint64_t x = (uint64_t)l->seed;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	l->seed = (int64_t)x;
	return ((double)(x >> 11) + 0.5) / 9007199254740992.0;
}

void pace_init(struct load *l)
{
	l->seed = 88172645463325252;
	l->idle = calloc(l->o.connections, sizeof(*l->idle));
	l->queue = calloc(QUEUE_MAX, sizeof(*l->queue));
	if (!l->idle || !l->queue) {
		perror("load");
		exit(1);
	}
	for (unsigned i = 0; i < l->o.connections; i++)
		l->idle[l->idle_n++] = i;
	l->next_ns = now_ns();
}

static void send_due(struct load *l)
{
	while (l->idle_n > 0 && l->queue_out < l->queue_in) {
		struct conn *c = &l->conns[l->idle[--l->idle_n]];

		c->due_ns = l->queue[l->queue_out++ % QUEUE_MAX];
		conn_send(l, c, 1);
	}
}

int64_t pace_send(struct load *l)
{
	while (l->next_ns <= l->now_ns) {
		if (l->queue_in - l->queue_out < QUEUE_MAX)
			l->queue[l->queue_in++ % QUEUE_MAX] = l->next_ns;
		else
			load_error(l, "a million requests behind");
		l->next_ns += (int64_t)(-log(dice(l)) * 1e9 / l->o.rate) + 1;
	}
	send_due(l);
	return l->next_ns - l->now_ns;
}

void pace_answer(struct load *l, struct conn *c)
{
	if (!c)
		return;
	histogram_add(&l->latency, now_ns() - c->due_ns);
	l->idle[l->idle_n++] = (unsigned)(c - l->conns);
}
