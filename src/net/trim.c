#include "net/trim.h"

#include "base/clock.h"

enum {
	LOOK_US = 1000 * 1000,
	STEP = 16,		 /* objects and pages between two looks at the clock */
	PORTION_NS = 300 * 1000, /* of a turn */
};

void trim_add(struct loop *l, struct slab *s)
{
	list_append(&l->slabs, &s->node);
}

void trim_slab_init(struct loop *l, struct slab *s, size_t object_bytes, uint32_t cap)
{
	slab_init(s, object_bytes, cap);
	trim_add(l, s);
}

static bool trim_some(const struct loop *l)
{
	uint32_t budget = STEP;

	for (struct list *n = l->slabs.next; n != &l->slabs; n = n->next)
		if (!slab_trim(container_of(n, struct slab, node), &budget))
			return false;
	return true;
}

/* By the clock: what a page costs that is given back differs a hundredfold among machines. */
static void run(struct deferred *d)
{
	struct loop *l = container_of(d, struct loop, trim);
	int64_t until_ns = clock_now_ns() + PORTION_NS;
	bool is_done;

	do {
		is_done = trim_some(l);
	} while (!is_done && clock_now_ns() < until_ns);
	if (!is_done)
		loop_yield(l, d);
}

void trim_look(struct loop *l)
{
	if (l->now_us - l->trimmed_us < LOOK_US)
		return;
	l->trimmed_us = l->now_us;
	if (l->trim.run == NULL)
		deferred_init(&l->trim, run);
	for (struct list *n = l->slabs.next; n != &l->slabs; n = n->next)
		slab_look(container_of(n, struct slab, node));
	loop_yield(l, &l->trim);
}
