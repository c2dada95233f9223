/*
 * The connections to one backend that speaks HTTP/2, as one worker has them: few, with many streams
 * each. A new one is dialled when those that stand have no room (the backend says how many streams at
 * a time it takes), one at a time, and whoever comes meanwhile waits for it. One that was silent for a
 * while is asked whether it still lives (PING) before a request is trusted to it.
 */
#ifndef NEAP_UPSTREAM_H2_POOL_H
#define NEAP_UPSTREAM_H2_POOL_H

#include "upstream/h2_conn.h"

/* The place of who waits for a stream; list_init its node before the first use. */
struct h2_place {
	struct list node; /* linked: it waits */
	/*
	 * Its turn, once, no longer linked. conn: a stream may begin on it. conn NULL: none stands,
	 * *why says the reason. u: the backend speaks HTTP/1.1, and this connection is its own now;
	 * NULL, without a reason: that, and it has to get one itself.
	 */
	void (*on_turn)(struct h2_place *place, struct h2_conn *conn, struct uconn *u,
			const struct stream_failure *why);
};

enum h2_joined { H2_JOINED, H2_WAITS, H2_FAILED };

struct h2_wish {
	unsigned pool; /* of the config, whose TLS settings hold */
	bool is_auto;  /* HTTP/1.1 will do */
	const struct h2_events *events;
	struct board_cell *counts;   /* of this worker, for b */
	uint32_t window_max;	     /* of a stream, in bytes */
	uint32_t timeout_ms;	     /* for the dial, 0: for ever */
	struct timer_lane *deadline; /* the same */
	struct timer_lane *idle;     /* so long an idle connection is kept */
	uint32_t max_idle;	     /* how many of them */
	uint32_t max_requests;	     /* on one; 0: any number */
};

/* Room for a stream at b: JOINED: on *conn. FAILED: *why. */
enum h2_joined h2_pool_join(struct upstream *up, struct backend *b, const struct h2_wish *wish,
			    struct h2_place *place, struct h2_conn **conn,
			    struct stream_failure *why);

/* Does b speak HTTP/1.1 only, as was found out a while ago? */
bool h2_pool_lacks_h2(const struct backend *b);

static inline void h2_pool_quit(struct h2_place *place)
{
	if (unlikely(!list_is_empty(&place->node)))
		list_remove(&place->node);
}

/* It served long in vain: does it still live? Asks, if nothing was heard of it since s began. */
void h2_pool_doubt(struct h2_stream *s);

/* The idle ones of b are closed; how many there were. Others take no more requests. */
unsigned h2_pool_close_idle(struct backend *b);

/* Nobody waits or uses one any more: all is closed. */
void h2_pool_drop(struct backend *b);

#endif
