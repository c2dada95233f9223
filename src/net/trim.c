#include "net/trim.h"

enum {
	LOOK_US = 1000 * 1000,
	PORTION = 2048, /* of a turn: well below a millisecond */
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

static void run(struct deferred *d)
{
	struct loop *l = container_of(d, struct loop, trim);
	uint32_t budget = PORTION;
	bool is_done = true;

	for (struct list *n = l->slabs.next; n != &l->slabs && is_done; n = n->next)
		is_done = slab_trim(container_of(n, struct slab, node), &budget);
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
