#include "net/tls_worker.h"

#include <malloc.h>
#include <stdlib.h>

#include "net/trim.h"

enum { STEPS_MAX = 2 }; /* in a turn, beside those that it has time for */

/* So many handshakes at a time are a flood: when it is over, its memory goes back to the kernel. */
enum { FLOOD = 512 };
static const double trim_after_s = 1.;

/* What a flood took lies scattered in the heap, so free alone gives little of it back. */
static void trim_cb(struct ev_loop *ev, ev_timer *timer, int events)
{
	struct tls_worker *w = container_of(timer, struct tls_worker, trim_timer);

	(void)ev, (void)events;
	if (w->accepting_n >= FLOOD / 8)
		return; /* it goes on */
	w->most = w->accepting_n;
	(void)malloc_trim(0);
}

struct tls_worker *tls_worker_of(struct loop *l, size_t conn_bytes)
{
	struct tls_worker *w = l->tls;

	if (w != NULL)
		return w;
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return NULL;
	w->shared = tls_shared_create();
	if (w->shared == NULL) {
		free(w);
		return NULL;
	}
	trim_slab_init(l, &w->conns, conn_bytes, UINT32_MAX);
	list_init(&w->accepting);
	list_init(&w->fresh);
	list_init(&w->leaving);
	ev_init(&w->fresh_timer, NULL);
	ev_init(&w->leaving_timer, NULL);
	ev_timer_init(&w->trim_timer, trim_cb, trim_after_s, 0.);
	w->accepting_max = UINT32_MAX;
	l->tls = w;
	return w;
}

bool tls_worker_may_step(struct tls_worker *w, const struct loop *l)
{
	unsigned turn = ev_iteration(l->ev);

	if (w->turn != turn) {
		w->turn = turn;
		w->steps = 0;
	}
	return w->steps++ < STEPS_MAX;
}

void tls_worker_add(struct tls_worker *w, struct list *node)
{
	list_append(&w->accepting, node);
	w->accepting_n++;
	if (w->accepting_n > w->most)
		w->most = w->accepting_n;
}

void tls_worker_remove(struct tls_worker *w, const struct loop *l, struct list *node)
{
	list_remove(node);
	w->accepting_n--;
	if (w->most < FLOOD || w->accepting_n > 0 || ev_is_active(&w->trim_timer))
		return;
	ev_timer_set(&w->trim_timer, trim_after_s, 0.);
	ev_timer_start(l->ev, &w->trim_timer);
}
