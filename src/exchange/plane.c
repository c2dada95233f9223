#include "exchange/plane.h"

#include <stdlib.h>

#include "net/trim.h"

enum {
	ATTENTION_MS = 20,
	BREATH_MS = 1,
	MOMENT_MS = 5,
	SURPLUS_MS = 1000,
	UPSTREAM_CONNECTIONS_MAX = 65536,
};

static uint32_t more(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void init_slabs(struct plane *p, const struct plane_maxima *m)
{
	uint32_t n = m->requests + m->copies;
	uint32_t head_out = more(m->header_bytes + PLANE_HEAD_OUT_ROOM, m->answer_bytes);
	/* a request may need two: the answer's bytes, and what its backend did not take of its head */
	trim_slab_init(p->loop, &p->blocks, more(PLANE_BLOCK_BYTES, head_out), 2 * n);
	trim_slab_init(p->loop, &p->small_blocks, PLANE_SMALL_BLOCK_BYTES, n);
	trim_slab_init(p->loop, &p->answers, m->answer_bytes + PLANE_HEAD_OUT_ROOM, n);
	/* what comes after a body may be the beginning of a head */
	trim_slab_init(p->loop, &p->bodies,
		       more(PLANE_BLOCK_BYTES, more(m->replay_bytes, m->header_bytes)), n);
	trim_slab_init(p->loop, &p->squeezed, PLANE_SQUEEZED_BYTES, n);
	/* with room for a coding, and for trailers in it */
	trim_slab_init(p->loop, &p->gathered,
		       more(PLANE_BLOCK_BYTES, m->hook_body_bytes) + m->answer_bytes, n);
}

static bool init_lanes(struct plane *p)
{
	p->attention = timers_lane(p->timers, ATTENTION_MS);
	p->breath = timers_lane(p->timers, BREATH_MS);
	p->moment = timers_lane(p->timers, MOMENT_MS);
	p->surplus = timers_lane(p->timers, SURPLUS_MS);
	return p->attention != NULL && p->breath != NULL && p->moment != NULL && p->surplus != NULL;
}

enum err plane_init(struct plane *p, const struct plane_maxima *m, struct error *e)
{
	init_slabs(p, m);
	pipe_pool_init(&p->pipes);
	p->scratch_bytes = more(m->header_bytes, m->answer_bytes) + PLANE_SCRATCH_ROOM;
	p->scratch = malloc(p->scratch_bytes);
	if (p->scratch == NULL || !init_lanes(p))
		return err_set(e, ERR_MEMORY, "no memory for the proxy");
	return upstream_init(&p->upstream, p->loop, p->timers, p->board, p->conf->workers,
			     UPSTREAM_CONNECTIONS_MAX, e);
}

void plane_fini(struct plane *p)
{
	if (p->upstream.backends != NULL)
		upstream_fini(&p->upstream);
	pipe_pool_fini(&p->pipes);
	slab_fini(&p->blocks);
	slab_fini(&p->small_blocks);
	slab_fini(&p->bodies);
	slab_fini(&p->gathered);
	slab_fini(&p->answers);
	slab_fini(&p->pumps);
	slab_fini(&p->squeezed);
	free(p->scratch);
}
