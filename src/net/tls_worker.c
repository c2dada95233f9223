#include "net/tls_worker.h"

#include <stdlib.h>

enum { STEPS_MAX = 2 }; /* in a turn, beside those that it has time for */

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
	slab_init(&w->conns, conn_bytes, UINT32_MAX);
	list_init(&w->accepting);
	list_init(&w->leaving);
	ev_init(&w->leaving_timer, NULL);
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
