#include "upstream/pool.h"

enum {
	SURE_MS = 1000,	  /* idle for longer: a backend may close it at any moment */
	KNOWN_MS = 10000, /* so long it is believed that a backend ends idle connections early */
	MARGIN_MS =
		1000, /* the backend's time begins earlier, and a request takes time to arrive */
};

/* It is idle no longer: lent, or about to be closed. */
static void leave(struct uconn *u)
{
	list_remove(&u->node);
	u->backend->idle_n--;
	timer_stop(&u->idle_timer);
	u->state = UCONN_BUSY;
}

static void drop(struct uconn *u)
{
	leave(u);
	uconn_close(u);
}

/* Has it ended an idle connection a while ago? Some end each after one request, unannounced. */
static bool has_ended_some(const struct backend *b, int64_t now_us)
{
	return b->ended_us != 0 && now_us - b->ended_us < (int64_t)KNOWN_MS * 1000;
}

/* The backend ended it, or sent what nobody asked for: either way it cannot be used again. */
static void drop_ended(struct uconn *u)
{
	struct backend *b = u->backend;
	int64_t now_us = u->stream.loop->now_us;
	if (!has_ended_some(b, now_us) || uconn_age_us(u) < b->ended_after_us)
		b->ended_after_us = uconn_age_us(u);
	b->ended_us = now_us;
	drop(u);
}

/* What TLS says for itself (tickets, keys) is no end, and no answer. */
static void idle_ready(struct stream *s, int events)
{
	(void)events;
	if (!stream_has_input(s))
		return;
	drop_ended(container_of(s, struct uconn, stream));
}

static void idle_due(struct timer *t)
{
	drop(container_of(t, struct uconn, idle_timer));
}

/*
 * Did an end or unasked bytes come? What came before this turn of the loop shows as a pending
 * event. A connection given back in this very turn was not looked at since its answer was read:
 * what the backend sent after it may be there, unseen.
 */
static bool is_spent(const struct uconn *u)
{
	if (stream_is_pending(&u->stream))
		return stream_has_input(&u->stream);
	return u->put_turn == ev_iteration(u->stream.loop->ev) && stream_has_input(&u->stream);
}

static bool is_older(const struct uconn *u, uint32_t ms)
{
	return uconn_age_us(u) > (int64_t)ms * 1000;
}

/* Was it idle for long, or for a good part of the time after which the backend ended others? */
static bool is_old(const struct uconn *u)
{
	const struct backend *b = u->backend;
	return is_older(u, SURE_MS) || (has_ended_some(b, u->stream.loop->now_us) &&
					uconn_age_us(u) >= b->ended_after_us / 4);
}

/* Is the time nearly over for which the backend said that it keeps it? */
static bool is_expiring(const struct uconn *u)
{
	if (likely(u->stands_ms == UINT32_MAX))
		return false;
	uint32_t half = u->stands_ms / 2;
	return is_older(u, u->stands_ms - (half < MARGIN_MS ? half : MARGIN_MS));
}

/* For a request that has one try only. false: closed. */
static bool is_sure(struct uconn *u)
{
	if (is_old(u))
		drop(u);
	else if (stream_has_input(&u->stream))
		drop_ended(u);
	else
		return true;
	return false;
}

/* The warmest on which nothing has happened. */
static struct uconn *warmest(struct backend *b, enum pool_trust trust)
{
	struct list *node;
	while ((node = list_first(&b->idle)) != NULL) {
		struct uconn *u = container_of(node, struct uconn, node);
		if (unlikely(is_spent(u)))
			drop_ended(u);
		else if (unlikely(is_expiring(u)))
			drop(u);
		else if (likely(trust == POOL_ANY))
			return u;
		else /* the others are older */
			return is_sure(u) ? u : NULL;
	}
	return NULL;
}

struct uconn *pool_take(struct backend *b, enum pool_trust trust)
{
	struct uconn *u = warmest(b, trust);
	if (u != NULL)
		leave(u);
	return u;
}

void pool_put(struct uconn *u, const struct pool_terms *terms, uint32_t stands_ms)
{
	struct backend *b = u->backend;
	if (terms->max_idle == 0 || unlikely(u->places != b->places)) {
		uconn_close(u);
		return;
	}
	uconn_on_answer(u);
	u->state = UCONN_IDLE;
	u->put_turn = ev_iteration(u->stream.loop->ev);
	u->since_us = u->stream.loop->now_us;
	u->stands_ms = stands_ms;
	u->owner = NULL;
	u->stream.on_ready = idle_ready;
	u->idle_timer.on_due = idle_due;
	stream_watch_write(&u->stream, false);
	stream_watch_read(&u->stream, true);
	list_prepend(&b->idle, &u->node);
	timer_start(&u->idle_timer, b->idle_n < terms->max_idle ? terms->idle : terms->surplus);
	b->idle_n++;
	if (pace_is_crowded(&b->pace))
		pace_wake(&b->pace);
}

unsigned pool_close_idle(struct backend *b)
{
	unsigned closed = b->idle_n;
	while (!list_is_empty(&b->idle))
		drop(container_of(list_first(&b->idle), struct uconn, node));
	return closed;
}
