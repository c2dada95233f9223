/*
 * Requests that wait for a free slot: for each pool a queue of this worker's, first come first
 * served. A request joins when the hooks say so, or when others wait already. Whoever frees a slot
 * calls the worker whose first request waits longest, by its eventfd; that one asks `pick` again
 * for its requests, in their order, at the end of the loop turn. While something waits a tick asks
 * too, for what is not told: a backend that came up, a policy that changed its mind, a worker that
 * is stuck.
 *
 * A request is in the queue from queue_join to queue_leave, also while `pick` is asked for it or
 * waits.
 */
#ifndef NEAP_PROXY_QUEUE_H
#define NEAP_PROXY_QUEUE_H

#include "proxy/state.h"

struct queue {
	struct proxy *proxy;
	const struct conf_pool *conf;
	int pool;		 /* on the board; BOARD_NONE: not there yet */
	struct board_queue *row; /* this worker's */
	struct timer_lane *timeout, *tick_lane;
	struct list waiting;	/* exchanges, the oldest first */
	struct list rest;	/* of these, those that the running pass has not come to */
	struct exchange *asked; /* by the running pass */
	uint32_t n;		/* with those whose hook waits */
	uint32_t version;	/* of the pool, at the last pass */
	bool is_passing;
	bool is_refused; /* the one asked goes on waiting */
	bool ask_all;	 /* in the next pass */
	struct deferred pass;
	struct timer tick;
};

enum queue_end { QUEUE_SERVED, QUEUE_TIMED_OUT, QUEUE_LEFT };

/* wake_fds: an eventfd for each worker, by its slot on the board; NULL: no others. */
enum err queues_init(struct proxy *p, const int *wake_fds, struct error *e);
void queues_start(struct proxy *p);
void queues_fini(struct proxy *p); /* nothing may wait */

static inline struct queue *queue_of(const struct exchange *ex)
{
	return &ex->proxy->queues[ex->view.pool];
}

/* Must a request that was given a backend just now let others go first? */
static inline bool queue_goes_first(const struct exchange *ex)
{
	const struct queue *q = queue_of(ex);
	return q->pool >= 0 && board_queue_waiters(ex->proxy->board, q->pool) != 0 &&
	       ex->queued_since_us == 0;
}

/*
 * The exchange waits from now on, or waits on; its state is the caller's. NULL, or the reason why
 * it may not. was_asked: the hooks said that it must wait.
 */
const char *queue_join(struct exchange *ex, bool was_asked);

/* It waits no longer. Harmless when it does not. */
void queue_leave(struct exchange *ex, enum queue_end end);

/* Who waits may leave: it is read, as far as what it sends has its place. */
void queue_watch_client(struct exchange *ex);
/* Of a tcp service: a client that has sent nothing and has ended its side has left (state END). */
void queue_note_silent_end(struct exchange *ex);

/* A slot of this pool was freed. */
void queue_wake(struct queue *q);

#endif
