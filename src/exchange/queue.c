#include "exchange/queue.h"

#include <stdlib.h>

#include "shm/board.h"
#include "shm/board_pool.h"
#include "shm/stats.h"

enum {
	TICK_MS = 100,
	REFUSALS_MAX = 8, /* in a row: then only requests that were not asked before are */
};

static int64_t now_us(const struct queue *q)
{
	return q->plane->loop->now_us;
}

static struct request *first_of(const struct list *l)
{
	struct list *node = list_first(l);
	return node == NULL ? NULL : container_of(node, struct request, queue_node);
}

static int64_t oldest_us(const struct queue *q)
{
	const struct request *rq = first_of(&q->waiting);
	if (rq == NULL)
		rq = first_of(&q->rest);
	return rq == NULL ? 0 : rq->queued_since_us;
}

static void publish(const struct queue *q)
{
	board_queue_set(q->plane->board, q->plane->worker, q->pool, q->n, oldest_us(q));
}

/* ---- waking ---- */

static void call(const struct queue *q, int worker)
{
	const int *fds = q->plane->queues->wake_fds;
	if (fds != NULL && fds[worker] >= 0 &&
	    board_queue_call(q->plane->board, (unsigned)worker, q->pool, now_us(q)))
		wake_send(fds[worker]);
}

/* The other worker that is to be asked before ours; BOARD_NONE: none. */
static int elder(const struct queue *q, int64_t after_us)
{
	const struct plane *p = q->plane;
	int worker = board_queue_eldest(p->board, p->worker, q->pool, after_us, now_us(q));
	return worker == (int)p->worker ? BOARD_NONE : worker;
}

void queue_wake(struct queue *q)
{
	int worker = elder(q, 0);
	if (worker >= 0)
		call(q, worker);
	else if (q->n > 0)
		loop_defer(q->plane->loop, &q->pass);
}

static bool has_room(const struct queue *q)
{
	return board_pool_has_room(q->plane->board, q->pool);
}

/* ---- joining and leaving ---- */

static int find_pool(struct queue *q)
{
	if (q->pool < 0)
		q->pool = board_pool_find(q->plane->board, str_of(q->conf->name));
	if (q->pool >= 0)
		q->row = &q->plane->board->queues[q->plane->worker][q->pool];
	return q->pool;
}

/* Its hook had to wait, so it is older than what came since. */
static void insert_by_age(struct queue *q, struct request *rq)
{
	struct list *at = q->waiting.next;
	while (at != &q->waiting &&
	       container_of(at, struct request, queue_node)->queued_since_us <= rq->queued_since_us)
		at = at->next;
	list_append(at, &rq->queue_node);
}

static void rejoin(struct queue *q, struct request *rq)
{
	if (q->asked == rq) {
		q->is_refused = true;
		list_append(&q->waiting, &rq->queue_node);
	} else {
		insert_by_age(q, rq);
	}
	publish(q);
}

static bool let_in(struct queue *q)
{
	q->n++;
	publish(q);
	if (board_queue_waiting(q->plane->board, q->pool) <= q->conf->queue.length)
		return true;
	q->n--;
	publish(q);
	stat_add(&q->row->refused, 1);
	return false;
}

/* The backend that was picked for it is not the one it tried last. */
static void forget_choice(struct request *rq)
{
	bool has_tried = rq->view.tried_n > 0 && rq->backend != NULL;
	rq->view.slot = has_tried ? rq->backend->slot : -1;
	rq->view.epoch = has_tried ? rq->backend->epoch : 0;
}

const char *queue_join(struct request *rq, bool was_asked)
{
	struct queue *q = queue_of(rq);
	forget_choice(rq);
	if (rq->queued_since_us != 0) {
		rejoin(q, rq);
		return NULL;
	}
	if (q->conf->queue.length == 0 || find_pool(q) < 0)
		return "every backend is busy";
	if (!let_in(q))
		return "queue is full";
	stat_add(&q->row->queued, 1);
	rq->queued_since_us = now_us(q);
	rq->was_asked = was_asked;
	list_append(q->is_passing ? &q->rest : &q->waiting, &rq->queue_node);
	timer_start(&rq->timer, q->timeout);
	if (!timer_runs(&q->tick))
		timer_start(&q->tick, q->tick_lane);
	publish(q);
	if (!was_asked || has_room(q)) /* a slot was freed while nobody waited for it */
		queue_wake(q);
	return NULL;
}

void queue_leave(struct request *rq, enum queue_end end)
{
	if (rq->queued_since_us == 0)
		return;
	struct queue *q = queue_of(rq);
	int64_t waited_us = now_us(q) - rq->queued_since_us;
	rq->queued_us += waited_us;
	rq->queued_since_us = 0;
	list_remove(&rq->queue_node);
	timer_stop(&rq->timer);
	if (q->asked == rq)
		q->asked = NULL;
	q->n--;
	publish(q);
	stat_add(&q->row->waited_us, (uint64_t)waited_us);
	if (end == QUEUE_TIMED_OUT)
		stat_add(&q->row->timed_out, 1);
	else if (end == QUEUE_LEFT)
		stat_add(&q->row->left, 1);
}

/* ---- asking again ---- */

/* true: it goes on waiting; else rq may be gone. */
static bool ask(struct queue *q, struct request *rq)
{
	list_remove(&rq->queue_node);
	rq->was_asked = true;
	q->asked = rq;
	q->is_refused = false;
	rq->owner->on_turn(rq);
	q->asked = NULL;
	return q->is_refused;
}

static void append_all(struct list *to, struct list *from)
{
	struct list *node;
	while ((node = list_first(from)) != NULL) {
		list_remove(node);
		list_append(to, node);
	}
}

/*
 * Asks those of q->rest, until there is no room or another worker is to be asked first (true: it
 * was called). The first one is asked whatever the board says: the policy may know better.
 */
static bool ask_in_turn(struct queue *q, bool is_changed)
{
	unsigned refusals = 0;
	bool ask_all = q->ask_all || is_changed, is_first = true;
	struct request *rq;
	while ((rq = first_of(&q->rest)) != NULL) {
		if (refusals >= REFUSALS_MAX && rq->was_asked && !ask_all) {
			list_remove(&rq->queue_node);
			list_append(&q->waiting, &rq->queue_node);
			continue;
		}
		if (!is_first && !is_changed && !has_room(q))
			return false;
		is_first = false;
		if (ask(q, rq)) {
			refusals++;
			continue;
		}
		refusals = 0;
		publish(q);
		int worker = is_changed || !has_room(q) ? BOARD_NONE : elder(q, 0);
		if (worker >= 0) {
			call(q, worker);
			return true;
		}
	}
	return false;
}

static void run_pass(struct deferred *d)
{
	struct queue *q = container_of(d, struct queue, pass);
	uint32_t version = board_pool_version(q->plane->board, q->pool);
	bool is_changed = version != q->version;
	q->version = version;
	atomic_store(&q->row->called_us, 0); /* before the look: a later call counts */
	append_all(&q->rest, &q->waiting);
	q->is_passing = true;
	bool is_handed_on = ask_in_turn(q, is_changed);
	q->is_passing = false;
	q->ask_all = false;
	append_all(&q->waiting, &q->rest);
	publish(q);
	if (is_handed_on || !has_room(q))
		return;
	/* None of our requests could use what is free. Later ones of other workers may. */
	int worker = elder(q, oldest_us(q));
	if (worker >= 0)
		call(q, worker);
}

static void on_tick(struct timer *t)
{
	struct queue *q = container_of(t, struct queue, tick);
	if (q->n == 0)
		return;
	timer_start(t, q->tick_lane);
	q->ask_all = true;
	loop_defer(q->plane->loop, &q->pass);
}

static void on_wake(struct wake *w)
{
	struct queues *all = container_of(w, struct queues, wake);
	for (unsigned i = 0; i < all->n; i++) {
		struct queue *q = &all->of[i];
		if (q->row != NULL && (q->n > 0 || atomic_load_explicit(&q->row->called_us,
									memory_order_relaxed) != 0))
			loop_defer(q->plane->loop, &q->pass);
	}
}

/* ---- life ---- */

static bool init_queue(struct queue *q, struct plane *p, const struct conf_pool *conf)
{
	q->plane = p;
	q->conf = conf;
	q->pool = BOARD_NONE;
	q->timeout = timers_lane(p->timers, conf->queue.timeout);
	q->tick_lane = timers_lane(p->timers, TICK_MS);
	list_init(&q->waiting);
	list_init(&q->rest);
	deferred_init(&q->pass, run_pass);
	timer_init(&q->tick, on_tick);
	return q->timeout != NULL && q->tick_lane != NULL;
}

enum err queues_create(struct plane *p, const int *wake_fds, struct error *e)
{
	unsigned n = p->conf->pools_n;
	struct queues *all = calloc(1, sizeof(*all) + (n + 1) * sizeof(struct queue));
	if (all == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the queues");
	p->queues = all;
	all->wake_fds = wake_fds;
	wake_init(&all->wake, p->loop, wake_fds != NULL ? wake_fds[p->worker] : -1, on_wake);
	for (; all->n < n; all->n++) {
		if (!init_queue(&all->of[all->n], p, &p->conf->pools[all->n]))
			return err_set(e, ERR_MEMORY, "no memory for the queues");
	}
	return ERR_OK;
}

void queues_start(struct plane *p)
{
	for (unsigned i = 0; i < p->queues->n; i++)
		(void)find_pool(&p->queues->of[i]); /* not there yet: queue_join looks again */
	wake_start(&p->queues->wake);
}

void queues_destroy(struct plane *p)
{
	struct queues *all = p->queues;
	if (all == NULL)
		return;
	wake_stop(&all->wake);
	for (unsigned i = 0; i < all->n; i++) {
		loop_defer_cancel(&all->of[i].pass);
		timer_stop(&all->of[i].tick);
	}
	free(all);
	p->queues = NULL;
}
