#include "proxy/queue.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	TICK_MS = 100,
	REFUSALS_MAX = 8, /* of those asked before, one after the other: then only new ones are */
};

static int64_t now_us(const struct queue *q)
{
	return q->proxy->loop->now_us;
}

static struct exchange *first_of(const struct list *l)
{
	struct list *node = list_first(l);
	return node == NULL ? NULL : container_of(node, struct exchange, queue_node);
}

static int64_t oldest_us(const struct queue *q)
{
	const struct exchange *ex = first_of(&q->waiting);
	if (ex == NULL)
		ex = first_of(&q->rest);
	return ex == NULL ? 0 : ex->queued_since_us;
}

static void publish(const struct queue *q)
{
	board_queue_set(q->proxy->board, q->proxy->worker, q->pool, q->n, oldest_us(q));
}

/* ---- waking ---- */

static void call(const struct queue *q, int worker)
{
	const uint64_t once = 1;
	const struct proxy *p = q->proxy;
	if (p->wake_fds != NULL && p->wake_fds[worker] >= 0 &&
	    board_queue_call(p->board, (unsigned)worker, q->pool, now_us(q)))
		(void)!write(p->wake_fds[worker], &once, sizeof(once)); /* full: it will look */
}

/* The other worker that is to be asked before ours; BOARD_NONE: none. */
static int elder(const struct queue *q, int64_t after_us)
{
	const struct proxy *p = q->proxy;
	int worker = board_queue_eldest(p->board, p->worker, q->pool, after_us, now_us(q));
	return worker == (int)p->worker ? BOARD_NONE : worker;
}

void queue_wake(struct queue *q)
{
	int worker = elder(q, 0);
	if (worker >= 0)
		call(q, worker);
	else if (q->n > 0)
		loop_defer(q->proxy->loop, &q->pass);
}

static bool has_room(const struct queue *q)
{
	return board_pool_has_room(q->proxy->board, q->pool);
}

/* ---- joining and leaving ---- */

static int find_pool(struct queue *q)
{
	if (q->pool < 0)
		q->pool = board_pool_find(q->proxy->board, str_of(q->conf->name));
	if (q->pool >= 0)
		q->row = &q->proxy->board->queues[q->proxy->worker][q->pool];
	return q->pool;
}

/* Its hook had to wait, so it is older than what came since. */
static void insert_by_age(struct queue *q, struct exchange *ex)
{
	struct list *at = q->waiting.next;
	while (at != &q->waiting &&
	       container_of(at, struct exchange, queue_node)->queued_since_us <=
		       ex->queued_since_us)
		at = at->next;
	list_append(at, &ex->queue_node);
}

static void rejoin(struct queue *q, struct exchange *ex)
{
	if (q->asked == ex) {
		q->is_refused = true;
		list_append(&q->waiting, &ex->queue_node);
	} else {
		insert_by_age(q, ex);
	}
	publish(q);
}

static bool let_in(struct queue *q)
{
	q->n++;
	publish(q);
	if (board_queue_waiting(q->proxy->board, q->pool) <= q->conf->queue.length)
		return true;
	q->n--;
	publish(q);
	stat_add(&q->row->refused, 1);
	return false;
}

/* The backend that was picked for it is not the one it tried last. */
static void forget_choice(struct exchange *ex)
{
	bool has_tried = ex->view.tried_n > 0 && ex->at.backend != NULL;
	ex->view.slot = has_tried ? ex->at.backend->slot : -1;
	ex->view.epoch = has_tried ? ex->at.backend->epoch : 0;
}

const char *queue_join(struct exchange *ex, bool was_asked)
{
	struct queue *q = queue_of(ex);
	forget_choice(ex);
	if (ex->queued_since_us != 0) {
		rejoin(q, ex);
		return NULL;
	}
	if (q->conf->queue.length == 0 || find_pool(q) < 0)
		return "every backend is busy";
	if (!let_in(q))
		return "queue is full";
	stat_add(&q->row->queued, 1);
	ex->queued_since_us = now_us(q);
	ex->queue_asked = was_asked;
	list_append(q->is_passing ? &q->rest : &q->waiting, &ex->queue_node);
	timer_start(&ex->timer, q->timeout);
	if (!timer_runs(&q->tick))
		timer_start(&q->tick, q->tick_lane);
	publish(q);
	if (!was_asked || has_room(q)) /* a slot was freed while nobody waited for it */
		queue_wake(q);
	return NULL;
}

void queue_leave(struct exchange *ex, enum queue_end end)
{
	if (ex->queued_since_us == 0)
		return;
	struct queue *q = queue_of(ex);
	int64_t waited_us = now_us(q) - ex->queued_since_us;
	ex->queued_us += waited_us;
	ex->queued_since_us = 0;
	list_remove(&ex->queue_node);
	timer_stop(&ex->timer);
	if (q->asked == ex)
		q->asked = NULL;
	q->n--;
	publish(q);
	stat_add(&q->row->waited_us, (uint64_t)waited_us);
	if (end == QUEUE_TIMED_OUT)
		stat_add(&q->row->timed_out, 1);
	else if (end == QUEUE_LEFT)
		stat_add(&q->row->left, 1);
}

void queue_watch_client(struct exchange *ex)
{
	if (ex->view.is_tcp != 0 || ex->surplus > 0 || !exchange_request_is_whole(ex) ||
	    buf_room(ex->in) == 0)
		return;
	stream_watch_read(ex->client, true);
}

void queue_note_silent_end(struct exchange *ex)
{
	if (!ex->client_eof || buf_len(&ex->body) > 0)
		return;
	ex->client_gone = true;
	ex->reason = "client left";
	ex->state = EX_END;
}

/* ---- asking again ---- */

/* true: it goes on waiting; else ex may be gone. */
static bool ask(struct queue *q, struct exchange *ex)
{
	list_remove(&ex->queue_node);
	ex->queue_asked = true;
	q->asked = ex;
	q->is_refused = false;
	q->proxy->on_turn(ex);
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
	struct exchange *ex;
	while ((ex = first_of(&q->rest)) != NULL) {
		if (refusals >= REFUSALS_MAX && ex->queue_asked && !ask_all) {
			list_remove(&ex->queue_node);
			list_append(&q->waiting, &ex->queue_node);
			continue;
		}
		if (!is_first && !is_changed && !has_room(q))
			return false;
		is_first = false;
		if (ask(q, ex)) {
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
	uint32_t version = board_pool_version(q->proxy->board, q->pool);
	bool is_changed = version != q->version;
	q->version = version;
	atomic_store(&q->row->called_us, 0); /* before the look: who calls later calls again */
	append_all(&q->rest, &q->waiting);
	q->is_passing = true;
	bool is_handed_on = ask_in_turn(q, is_changed);
	q->is_passing = false;
	q->ask_all = false;
	append_all(&q->waiting, &q->rest);
	publish(q);
	if (is_handed_on || !has_room(q))
		return;
	/* None of ours could use what is free: those who came after them may. */
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
	loop_defer(q->proxy->loop, &q->pass);
}

static void wake_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct proxy *p = container_of(w, struct proxy, waker);
	uint64_t times;
	(void)ev, (void)events;
	(void)!read(w->fd, &times, sizeof(times)); /* however often */
	for (unsigned i = 0; i < p->conf->pools_n; i++) {
		struct queue *q = &p->queues[i];
		if (q->row != NULL && (q->n > 0 || atomic_load_explicit(&q->row->called_us,
									memory_order_relaxed) != 0))
			loop_defer(p->loop, &q->pass);
	}
}

/* ---- life ---- */

enum err queues_init(struct proxy *p, const int *wake_fds, struct error *e)
{
	p->wake_fds = wake_fds;
	ev_io_init(&p->waker, wake_cb, wake_fds != NULL ? wake_fds[p->worker] : -1, EV_READ);
	p->queues = calloc(p->conf->pools_n + 1, sizeof(*p->queues));
	if (p->queues == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the queues");
	for (unsigned i = 0; i < p->conf->pools_n; i++) {
		struct queue *q = &p->queues[i];
		q->proxy = p;
		q->conf = &p->conf->pools[i];
		q->pool = BOARD_NONE;
		q->timeout = timers_lane(p->timers, q->conf->queue.timeout);
		q->tick_lane = timers_lane(p->timers, TICK_MS);
		list_init(&q->waiting);
		list_init(&q->rest);
		deferred_init(&q->pass, run_pass);
		timer_init(&q->tick, on_tick);
		if (q->timeout == NULL || q->tick_lane == NULL)
			return err_set(e, ERR_MEMORY, "no memory for the queues");
	}
	return ERR_OK;
}

void queues_start(struct proxy *p)
{
	for (unsigned i = 0; i < p->conf->pools_n; i++)
		(void)find_pool(&p->queues[i]); /* not there yet: queue_join looks again */
	if (p->waker.fd >= 0)
		ev_io_start(p->loop->ev, &p->waker);
}

void queues_fini(struct proxy *p)
{
	ev_io_stop(p->loop->ev, &p->waker);
	for (unsigned i = 0; p->queues != NULL && i < p->conf->pools_n; i++) {
		loop_defer_cancel(&p->queues[i].pass);
		timer_stop(&p->queues[i].tick);
	}
	free(p->queues);
}
