#include "upstream/upstream.h"

#include <stdlib.h>

#include "net/trim.h"
#include "shm/board_size.h"
#include "upstream/h2_pool.h"
#include "upstream/pool.h"
#include "upstream/uconn.h"

static unsigned close_idle_of(struct backend *b)
{
	return pool_close_idle(b) + h2_pool_close_idle(b);
}

enum err upstream_init(struct upstream *u, struct loop *loop, struct timers *timers,
		       struct board *board, unsigned workers, uint32_t max_connections,
		       struct error *e)
{
	*u = (struct upstream){
		.loop = loop, .timers = timers, .board = board, .workers = workers, .tls = u->tls
	};
	u->close_idle_of = close_idle_of;
	u->close_idle = upstream_close_idle;
	u->moment = timers_lane(timers, PACE_MOMENT_MS);
	u->backends = calloc(BOARD_BACKENDS_MAX, sizeof(*u->backends));
	if (u->backends == NULL || u->moment == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the table of backends");
	slab_init(&u->entries, sizeof(struct backend), BOARD_BACKENDS_MAX);
	trim_slab_init(loop, &u->uconns, sizeof(struct uconn), max_connections);
	trim_slab_init(loop, &u->dialings, sizeof(struct stream_dialling), max_connections);
	return ERR_OK;
}

unsigned upstream_close_idle(struct upstream *u)
{
	unsigned closed = 0;
	for (int slot = 0; slot < BOARD_BACKENDS_MAX; slot++) {
		if (u->backends[slot] != NULL)
			closed += close_idle_of(u->backends[slot]);
	}
	return closed;
}

void upstream_fini(struct upstream *u)
{
	for (int slot = 0; u->backends != NULL && slot < BOARD_BACKENDS_MAX; slot++) {
		if (u->backends[slot] == NULL)
			continue;
		pool_close_idle(u->backends[slot]);
		h2_pool_drop(u->backends[slot]);
		pace_fini(&u->backends[slot]->pace);
		tls_sessions_drop(&u->backends[slot]->text->sessions);
		free(u->backends[slot]->text);
		slab_put(&u->entries, u->backends[slot]);
	}
	if (u->h2 != NULL) {
		h2_worker_fini(u->h2);
		free(u->h2);
		u->h2 = NULL;
	}
	pool_tls_fini(&u->tls);
	free(u->backends);
	u->backends = NULL;
	slab_fini(&u->entries);
	slab_fini(&u->uconns);
	slab_fini(&u->dialings);
}
