#include "exchange/approach.h"

#include <errno.h>

#include "exchange/budget.h"
#include "exchange/queue.h"
#include "net/sock.h"
#include "shm/board.h"
#include "shm/board_cell.h"
#include "shm/board_queue.h"
#include "shm/stats.h"
#include "upstream/h1_leg.h"
#include "upstream/h2_leg.h"

static struct board *board_of(const struct attempt *at)
{
	return at->rq->plane->board;
}

/* ---- a slot ---- */

/* false: another worker has taken the last slot since the hooks looked. */
static bool take_slot(struct attempt *at)
{
	struct request *rq = at->rq;
	struct board *b = board_of(at);
	uint32_t limit =
		atomic_load_explicit(&b->backends[rq->view.slot].slots, memory_order_relaxed);
	if (likely(limit == 0)) {
		board_inflight_add(b, rq->plane->worker, rq->view.slot, 1);
		at->slot = SLOT_COUNTED;
		return true;
	}
	if (!board_slot_take(b, rq->plane->worker, rq->view.slot, limit))
		return false;
	at->slot = SLOT_LIMITED;
	return true;
}

bool approach_enter(struct attempt *at)
{
	struct request *rq = at->rq;
	if (!take_slot(at))
		return false;
	stat_add(&board_of(at)->cells[rq->plane->worker][rq->view.slot].requests, 1);
	rq->attempts++;
	queue_leave(rq, QUEUE_SERVED);
	budget_count_request(rq);
	if (unlikely(rq->lanes->attempt != NULL))
		timer_start(&at->timer, rq->lanes->attempt);
	return true;
}
/* ---- a connection of HTTP/1 ---- */

static enum attempt_outcome use_connection(struct attempt *at, struct uconn *u, bool is_reused)
{
	struct request *rq = at->rq;
	at->uconn = u;
	at->is_reused = is_reused;
	at->connected_us = rq->plane->loop->now_us;
	rq->connect_us = is_reused ? 0 : at->connected_us - at->started_us;
	return ATTEMPT_STANDS;
}

static void on_paced(struct pace_place *place);

/* It waits for another turn, in the time that it has left for connecting. */
static void on_lost(struct uconn *u)
{
	struct attempt *at = u->owner;
	uconn_close(u);
	at->uconn = NULL;
	pace_join_again(&at->rq->backend->pace, &at->place, on_paced);
}

static void on_connected(struct uconn *u, bool connected)
{
	struct attempt *at = u->owner;
	timer_stop(&at->rq->timer);
	at->on_outcome(at, connected ? use_connection(at, u, false)
				     : attempt_fail_stream(at, NEAP_STAGE_CONNECT,
							   stream_failure(&u->stream)));
}

/* A PROXY header goes out before TLS begins; false: no memory. */
static bool take_preamble(struct attempt *at, struct str *first)
{
	const struct backend *b = at->rq->backend;
	if (likely(!b->is_tls) || b->send_proxy == SEND_PROXY_NONE)
		return true;
	outbox_drop(&at->leg.out);
	if (!at->add_preamble(at))
		return false;
	*first = (struct str){ buf_head(&at->leg.out.rest), buf_len(&at->leg.out.rest) };
	return true;
}

static enum uconn_dialled begin_dial(struct attempt *at, struct stream_failure *why)
{
	struct request *rq = at->rq;
	const struct timer_lane *lane = rq->lanes->connect;
	struct uconn_wish wish = { .on_connected = on_connected,
				   .on_lost = on_lost,
				   .owner = at,
				   .pool = (unsigned)rq->view.pool,
				   .timeout_ms = lane != NULL ? lane->duration_ms : 0 };
	if (!take_preamble(at, &wish.first)) {
		*why = (struct stream_failure){ STREAM_FAILURE_SYSTEM, ENOMEM, "" };
		return UCONN_FAILED;
	}
	enum uconn_dialled dialled =
		uconn_dial(&rq->plane->upstream, rq->backend, &wish, &at->uconn, why);
	if (unlikely(wish.first.n > 0))
		outbox_drop(&at->leg.out); /* it was copied */
	return dialled;
}

static enum attempt_outcome dial(struct attempt *at)
{
	struct stream_failure why;
	switch (begin_dial(at, &why)) {
	case UCONN_CONNECTED:
		return use_connection(at, at->uconn, false);
	case UCONN_IN_PROGRESS:
		return ATTEMPT_CONNECTS;
	case UCONN_FAILED:
		break;
	}
	return attempt_fail_stream(at, NEAP_STAGE_CONNECT, why);
}

static struct uconn *kept_connection(const struct attempt *at)
{
	struct backend *b = at->rq->backend;
	if (at->fresh_only || at->is_alone || list_is_empty(&b->idle))
		return NULL;
	return pool_take(b, (enum pool_trust)at->trust);
}

static enum attempt_outcome connect_now(struct attempt *at, struct uconn *kept)
{
	return likely(kept != NULL) ? use_connection(at, kept, true) : dial(at);
}

static enum attempt_outcome was_removed(struct attempt *at)
{
	return attempt_fail(at, NEAP_STAGE_CONNECT, NEAP_KIND_REFUSED, "the backend was removed");
}

/* Its backend is no longer crowded. */
static void on_paced(struct pace_place *place)
{
	struct attempt *at = container_of(place, struct attempt, place);
	const struct neap_request *view = &at->rq->view;
	struct backend *b = upstream_backend(&at->rq->plane->upstream, view->slot, view->epoch);
	enum attempt_outcome outcome = b == NULL ? was_removed(at)
						 : connect_now(at, kept_connection(at));
	if (outcome == ATTEMPT_CONNECTS)
		return; /* in the time that began when it waited */
	timer_stop(&at->rq->timer);
	at->on_outcome(at, outcome);
}

/* See pace.h: a burst of dials would not fit the backend's accept queue. */
static enum attempt_outcome connect_or_wait(struct attempt *at)
{
	struct request *rq = at->rq;
	struct pace *pace = &rq->backend->pace;
	struct uconn *kept = pace_is_crowded(pace) ? NULL : kept_connection(at);
	enum attempt_outcome outcome = ATTEMPT_CONNECTS;
	if (likely(kept != NULL) || pace_may_dial(pace))
		outcome = connect_now(at, kept);
	else
		pace_join(pace, &at->place, on_paced);
	if (unlikely(outcome == ATTEMPT_CONNECTS))
		timer_start(&rq->timer, rq->lanes->connect);
	return outcome;
}

/* ---- one of HTTP/2 ---- */

static enum attempt_outcome use_stream(struct attempt *at, struct h2_conn *c)
{
	at->h2 = c;
	return use_connection(at, c->uconn, c->uconn->requests > 0 && !at->fresh_only);
}

/* The backend speaks HTTP/1.1. u: a connection for it; NULL: none so far. */
static enum attempt_outcome use_http1(struct attempt *at, struct uconn *u)
{
	if (u == NULL)
		return connect_or_wait(at);
	u->owner = at;
	return use_connection(at, u, false);
}

static void on_h2_turn(struct h2_place *place, struct h2_conn *c, struct uconn *u,
		       const struct stream_failure *why)
{
	struct attempt *at = container_of(place, struct attempt, h2_place);
	const struct neap_request *view = &at->rq->view;
	struct backend *b = upstream_backend(&at->rq->plane->upstream, view->slot, view->epoch);
	timer_stop(&at->rq->timer);
	enum attempt_outcome outcome;
	if (b == NULL) {
		if (u != NULL)
			uconn_close(u);
		outcome = was_removed(at);
	} else if (why != NULL) {
		outcome = attempt_fail_stream(at, NEAP_STAGE_CONNECT, *why);
	} else {
		outcome = c != NULL ? use_stream(at, c) : use_http1(at, u);
	}
	if (outcome != ATTEMPT_CONNECTS)
		at->on_outcome(at, outcome);
}

static bool speaks_http2(const struct attempt *at)
{
	const struct request *rq = at->rq;
	const struct backend *b = rq->backend;
	if (at->is_alone || rq->pool->http2 == CONF_HTTP2_OFF)
		return false;
	if (rq->pool->http2 == CONF_HTTP2_ON)
		return true;
	return b->is_tls && !rq->asks_switch && !h2_pool_lacks_h2(b);
}

static enum attempt_outcome join(struct attempt *at)
{
	struct request *rq = at->rq;
	const struct timer_lane *lane = rq->lanes->connect;
	struct stream_failure why;
	struct h2_conn *c;
	struct h2_wish wish = { .pool = (unsigned)rq->view.pool,
				.is_auto = rq->pool->http2 == CONF_HTTP2_AUTO,
				.events = &h2_leg_events,
				.counts = &board_of(at)->cells[rq->plane->worker][rq->view.slot],
				.window_max = rq->pool->limits.stream_window,
				.timeout_ms = lane != NULL ? lane->duration_ms : 0,
				.deadline = rq->lanes->connect,
				.idle = rq->lanes->keepalive_idle,
				.max_idle = rq->pool->keepalive.connections,
				.max_requests = rq->pool->keepalive.requests };
	if (unlikely(rq->asks_switch)) /* whichever of the pool's backends it is */
		return attempt_refuse(at, 502, "an upgrade cannot go to a backend over HTTP/2");
	at->h2_place.on_turn = on_h2_turn;
	switch (h2_pool_join(&rq->plane->upstream, rq->backend, &wish, &at->h2_place, &c, &why)) {
	case H2_JOINED:
		return use_stream(at, c);
	case H2_WAITS:
		timer_start(&rq->timer, rq->lanes->connect);
		return ATTEMPT_CONNECTS;
	case H2_FAILED:
		break;
	}
	return attempt_fail_stream(at, NEAP_STAGE_CONNECT, why);
}

static enum attempt_outcome connect_somehow(struct attempt *at)
{
	return unlikely(speaks_http2(at)) ? join(at) : connect_or_wait(at);
}

/* ---- the beginning ---- */

enum attempt_outcome approach_begin(struct attempt *at)
{
	struct request *rq = at->rq;
	struct backend *b = upstream_backend(&rq->plane->upstream, rq->view.slot, rq->view.epoch);
	rq->backend = b;
	rq->first_byte_us = 0;
	rq->connect_us = -1;
	rq->is_untouched = true;
	at->started_us = rq->plane->loop->now_us;
	leg_reset(&at->leg, &rq->lanes->answers);
	at->h2 = NULL;
	if (b == NULL)
		return was_removed(at);
	at->is_alone = rq->view.is_tcp != 0 || b->send_proxy != SEND_PROXY_NONE;
	if (at->slot == SLOT_NONE && !approach_enter(at))
		return ATTEMPT_SLOT_LOST;
	if (b->addrs_n == 0)
		return attempt_fail(at, NEAP_STAGE_CONNECT, NEAP_KIND_REFUSED,
				    "its name has no address");
	return connect_somehow(at);
}

bool approach_open_leg(struct attempt *at)
{
	if (unlikely(at->h2 != NULL))
		return h2_leg_open(&at->leg, at->h2);
	h1_leg_open(&at->leg, at->uconn);
	return true;
}
