/*
 * The data plane of one worker, as all requests on it share it: what it runs on, its memory, its
 * deadlines, and what belongs to the parts (each of which makes its own). Fronts stand above it
 * (proxy).
 */
#ifndef NEAP_EXCHANGE_PLANE_H
#define NEAP_EXCHANGE_PLANE_H

#include "base/log.h"
#include "conf/conf.h"
#include "net/pipe.h"
#include "net/timer.h"
#include "upstream/upstream.h"

enum {
	PLANE_BLOCK_BYTES = 64 * 1024,	    /* bodies on their way, each direction */
	PLANE_SMALL_BLOCK_BYTES = 4 * 1024, /* the same, of a client that takes little */
	PLANE_SCRATCH_ROOM =
		64 * 1024, /* what rewriting may add to a head: edits, fields, base path */
	PLANE_HEAD_OUT_ROOM = 48 * 1024,  /* of that, what a rewritten head can really come to */
	PLANE_SQUEEZED_BYTES = 16 * 1024, /* of an answer that is compressed */
	PLANE_SPLICE_BYTES = 256 * 1024,  /* from this much of a body on the kernel moves it */
};

struct access;
struct flows;
struct hedges;
struct mirrors;
struct queues;
struct request;
struct stories;

enum plane_phase {
	PLANE_SERVES,
	PLANE_DRAINS_LATE, /* idle connections may go on, for one more answer: another generation serves */
	PLANE_DRAINS_SOON, /* nobody else serves: idle connections are closed after a moment */
};

struct plane {
	/* What it runs on; all of it outlives the plane. */
	struct loop *loop;
	struct timers *timers;
	struct board *board;
	const struct conf *conf;
	unsigned worker; /* our slot on the board */

	/* How it stands, and who is told that a backend's state changed here. */
	uint8_t phase; /* enum plane_phase */
	void (*on_state_change)(void *ctx);
	void *ctx;

	/* The other side. */
	struct upstream upstream;

	/* Memory: bytes on their way, request bodies, answers' bodies that hooks ask for, what a client
	 * did not take of an answer's head, tunnels after a 101, and the head that is being written. */
	struct slab blocks, small_blocks, bodies, gathered, answers, pumps;
	struct slab squeezed; /* what comes out of encoders (squeeze.h) */
	uint32_t squeezes_n;  /* answers that are compressed now */
	struct pipe_pool pipes;
	char *scratch;
	size_t scratch_bytes;

	/* Deadlines that are the same for all services. */
	struct timer_lane *attention; /* a request that takes longer: is its client still there? */
	struct timer_lane *breath;    /* between attempts that fail at once */
	struct timer_lane *moment;    /* so long the head of an answer waits for its body */
	struct timer_lane *surplus;   /* so long more connections are kept than a pool wants */

	/* The parts. */
	struct queues *queues;
	struct access *access;		       /* NULL: no access log */
	struct stories *stories;	       /* NULL: none are told */
	struct mirrors *mirrors;	       /* NULL: no pool has one */
	struct flows *flows;		       /* NULL: no service is one of datagrams */
	void (*on_whole)(struct request *rq);  /* of such a pool: all of a request is out */
	struct hedges *hedges;		       /* NULL: no pool has them */
	void (*on_slow)(struct request *rq);   /* of such a pool: its answer takes too long */
	void (*on_beaten)(struct request *rq); /* its rival was faster: it has its answer now */
	uint64_t next_id;		       /* of requests */

	/* Lines of the log that may come often. */
	struct log_limit failing, breaking, short_of;
};

struct plane_maxima { /* over all services and pools, in bytes but for the first two */
	uint32_t connections, requests, header_bytes, replay_bytes, hook_body_bytes, answer_bytes;
	uint32_t copies; /* of requests, for mirrors and hedges */
};

/*
 * Fills *p, whose first three groups the caller has set. On an error what was made is undone by
 * plane_fini, which may be called in any case.
 */
enum err plane_init(struct plane *p, const struct plane_maxima *m, struct error *e);
void plane_fini(struct plane *p);

static inline bool plane_drains(const struct plane *p)
{
	return p->phase != PLANE_SERVES;
}

#endif
