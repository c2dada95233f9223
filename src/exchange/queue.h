/*
 * Requests that wait for a free slot: for each pool a queue of this worker's, first come first
 * served. A request joins when the hooks say so, or when others wait already. Whatever frees a slot
 * calls the worker whose first request waits longest, by its eventfd. That worker asks `pick`
 * again for its requests, in their order, at the end of the loop turn. While something waits a tick
 * asks too, because some changes are not told: a backend came up, a policy changed its mind, a
 * worker is stuck.
 *
 * A request is in the queue from queue_join to queue_leave, also while `pick` is asked for it or
 * waits.
 */
#ifndef NEAP_EXCHANGE_QUEUE_H
#define NEAP_EXCHANGE_QUEUE_H

#include "exchange/request.h"
#include "net/wake.h"
#include "shm/board_queue.h"

struct queue {
	struct plane *plane;
	const struct conf_pool *conf;
	int pool;		 /* on the board; BOARD_NONE: not there yet */
	struct board_queue *row; /* this worker's */
	struct timer_lane *timeout, *tick_lane;
	struct list waiting;   /* requests, the oldest first */
	struct list rest;      /* of these, those that the running pass has not reached */
	struct request *asked; /* by the running pass */
	uint32_t n;	       /* with those whose hook waits */
	uint32_t version;      /* of the pool, at the last pass */
	bool is_passing;
	bool is_refused; /* the one asked goes on waiting */
	bool ask_all;	 /* in the next pass */
	struct deferred pass;
	struct timer tick;
};

struct queues {		     /* of this worker */
	const int *wake_fds; /* eventfds of the workers, by their slot on the board; NULL: alone */
	struct wake wake;    /* our own */
	unsigned n;
	struct queue of[]; /* by pool index */
};

enum queue_end { QUEUE_SERVED, QUEUE_TIMED_OUT, QUEUE_LEFT };

/* wake_fds: an eventfd for each worker, by its slot on the board; NULL: no others. */
enum err queues_create(struct plane *p, const int *wake_fds, struct error *e);
void queues_start(struct plane *p);
void queues_destroy(struct plane *p); /* nothing may wait; harmless when there are none */

static inline struct queue *queue_of(const struct request *rq)
{
	return &rq->plane->queues->of[rq->view.pool];
}

/* A request was given a backend just now. Must it let others go first? */
static inline bool queue_goes_first(const struct request *rq)
{
	const struct queue *q = queue_of(rq);
	return q->pool >= 0 && board_queue_waiters(rq->plane->board, q->pool) != 0 &&
	       rq->queued_since_us == 0;
}

/*
 * The request waits from now on, or waits on; its state is the owner's. NULL, or the reason why
 * it may not. was_asked: the hooks said that it must wait.
 */
const char *queue_join(struct request *rq, bool was_asked);

/* It waits no longer. Harmless when it does not. */
void queue_leave(struct request *rq, enum queue_end end);

/* A slot of this pool was freed. */
void queue_wake(struct queue *q);

#endif
