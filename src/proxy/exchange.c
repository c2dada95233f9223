#include "proxy/exchange.h"

#include <stdio.h>
#include <stdlib.h>

#include "proxy/access.h"
#include "proxy/attempt.h"
#include "proxy/failure.h"
#include "proxy/ids.h"
#include "proxy/queue.h"
#include "proxy/relay.h"
#include "proxy/reply.h"
#include "proxy/retry.h"
#include "proxy/tunnel.h"
#include "proxy/upload.h"
#include "proxy/view.h"
#include "proxy/witness.h"

enum {
	SLOTS_LOST_MAX = 3, /* a choice that came too late is made again so often */
	FAILURES_MAX = 16,  /* in one turn of the loop */
};

/* ---- decisions ---- */

static bool decided(struct exchange *ex)
{
	ex->at.pool = &ex->proxy->conf->pools[ex->view.pool];
	ex->at.lanes = &ex->service->pools[ex->view.pool];
	ex->at.fresh_only = false;
	ex->state = EX_TAKE;
	return true;
}

/* Nothing is left to try. */
static bool give_up(struct exchange *ex)
{
	if (ex->held) {
		relay_begin(ex);
		return true;
	}
	reply_error(ex, ex->failure.kind == NEAP_KIND_TIMEOUT ? 504 : 502,
		    failure_words(&ex->failure));
	return false;
}

/* One more attempt is safe, but there were enough of them. */
static bool give_up_poor(struct exchange *ex)
{
	ex->reason = "the retry budget is spent";
	if (ex->held)
		return give_up(ex);
	(void)snprintf(ex->view.reason, sizeof(ex->view.reason), "%s; the retry budget is spent",
		       failure_words(&ex->failure));
	reply_error(ex, ex->failure.kind == NEAP_KIND_TIMEOUT ? 504 : 502, ex->view.reason);
	return false;
}

/* Another attempt: what the last one left is dropped, its backend is not tried again. */
static bool try_again(struct exchange *ex)
{
	bool may = ex->failure.safe && (!ex->held || retry_candidate_is_left(ex));
	if (may && !retry_is_affordable(ex))
		return give_up_poor(ex);
	if (!may || !retry_remember(ex, ex->view.slot))
		return give_up(ex);
	if (ex->held) {
		attempt_end(ex, false);
		buf_drop(&ex->down);
		ex->held = false;
	}
	attempt_rewind(ex);
	h1_head_init(&ex->res, true, ex->res_fields, &ex->service->limits);
	ex->awaited_body = false;
	ex->view.attempt++;
	ex->state = EX_PICK;
	return true;
}

static bool unavailable(struct exchange *ex, const char *otherwise)
{
	if (ex->view.tried_n > 0)
		return give_up(ex);
	reply_error(ex, 503, ex->view.reason[0] != '\0' ? ex->view.reason : otherwise);
	return false;
}

/* Waits for a free slot; or may not. */
static bool wait_in_queue(struct exchange *ex, bool was_asked)
{
	const char *refusal = queue_join(ex, was_asked);
	if (refusal != NULL)
		return unavailable(ex, refusal);
	ex->state = EX_QUEUED;
	queue_watch_client(ex);
	return false;
}

/* What a hook decided; true: go on at once. */
static bool on_verdict(struct exchange *ex, enum neap_verdict verdict)
{
	witness_verdict(ex, verdict);
	if (verdict != NEAP_BACKEND && verdict != NEAP_QUEUE && verdict != NEAP_WAIT)
		queue_leave(ex, QUEUE_LEFT);
	switch (verdict) {
	case NEAP_BACKEND:
		return unlikely(queue_goes_first(ex)) ? wait_in_queue(ex, false) : decided(ex);
	case NEAP_REPLY:
		reply_script(ex);
		return false;
	case NEAP_NONE:
		return unavailable(ex, "no backend is available");
	case NEAP_QUEUE:
		return wait_in_queue(ex, true);
	case NEAP_REFUSE:
		reply_error(ex, 503, "the policy failed");
		return false;
	case NEAP_RETRY:
		return try_again(ex);
	case NEAP_WAIT:
		ex->state = EX_PARKED;
		return false;
	case NEAP_FAIL:
	case NEAP_DONE:
		break;
	}
	return give_up(ex);
}

static bool on_failed(struct exchange *ex)
{
	if (ex->failure.kind == NEAP_KIND_STATUS)
		ex->failure.safe = retry_is_safe(ex) && retry_attempt_is_left(ex);
	failure_log(ex);
	witness_failed(ex);
	return on_verdict(ex, hook_failed(ex->service->hooks, &ex->view, &ex->failure));
}

static void go_on(struct exchange *ex)
{
	if (ex->view.is_tcp != 0) {
		tunnel_open(ex);
		return;
	}
	attempt_send(ex);
	upload_resume(ex);
}

static bool begin_attempt(struct exchange *ex)
{
	attempt_begin(ex);
	if (ex->state == EX_SEND)
		go_on(ex);
	if (unlikely(ex->state == EX_PICK) && ++ex->slots_lost > SLOTS_LOST_MAX) {
		ex->slots_lost = 0;
		return wait_in_queue(ex, true);
	}
	return ex->state == EX_FAILED || ex->state == EX_PICK;
}

/* One state; true: the next one at once. */
static bool step(struct exchange *ex)
{
	witness_step(ex);
	switch ((enum exchange_state)ex->state) {
	case EX_DECIDE:
		return on_verdict(ex, hook_decide(ex->service->hooks, &ex->view));
	case EX_PICK:
		return on_verdict(ex, hook_pick(ex->service->hooks, &ex->view));
	case EX_TAKE:
		return begin_attempt(ex);
	case EX_FAILED:
		return on_failed(ex);
	case EX_HEAD:
	case EX_PARKED:
	case EX_QUEUED:
	case EX_CONNECT:
	case EX_SEND:
	case EX_WAIT:
	case EX_RELAY:
	case EX_TUNNEL:
	case EX_END:
		break;
	}
	return false;
}

/* ---- deadlines ---- */

/* The deadline that holds while the request is sent and its answer awaited. */
static void arm(struct exchange *ex)
{
	if (ex->state == EX_WAIT) {
		if (!timer_runs(&ex->timer) || ex->waits_client || ex->timer_state != EX_WAIT)
			timer_start(&ex->timer, ex->at.lanes->response);
		ex->waits_client = false;
	} else if (ex->state == EX_SEND) {
		ex->waits_client = attempt_unsent(ex) == 0 && !exchange_request_is_whole(ex);
		timer_start(&ex->timer, ex->waits_client ? ex->service->client_body
							 : ex->at.lanes->stream_idle);
	}
	ex->timer_state = ex->state;
}

static void finish(struct exchange *ex)
{
	queue_leave(ex, QUEUE_LEFT);
	timer_stop(&ex->timer);
	timer_stop(&ex->total);
	attempt_end(ex, false);
	buf_drop(&ex->down);
	buf_drop(&ex->out);
	pipe_put(&ex->proxy->pipes, ex->up_pipe);
	pipe_put(&ex->proxy->pipes, ex->down_pipe);
	if (ex->surplus == 0)
		buf_drop(&ex->body);
	access_end(ex);
	free(ex->tried);
	ex->on_done(ex);
}

/*
 * Backends that are gone may refuse at once, thousands of them: others have their turn in between.
 * What happens meanwhile goes on here too.
 */
static bool must_rest(struct exchange *ex, unsigned *failures)
{
	if (ex->state != EX_FAILED || ++*failures <= FAILURES_MAX)
		return false;
	timer_start(&ex->timer, ex->proxy->breath);
	return true;
}

static void exchange_run(struct exchange *ex)
{
	unsigned failures = 0;
	if (unlikely(ex->state == EX_FAILED))
		timer_stop(&ex->timer); /* it rested */
	while (step(ex)) {
		if (unlikely(must_rest(ex, &failures)))
			return;
	}
	if (ex->state == EX_END)
		finish(ex);
	else
		arm(ex);
}

/* Also while a hook waits that was asked again. */
static void end_waiting(struct exchange *ex)
{
	if (ex->queued_since_us == 0)
		return;
	hook_cancel(&ex->view);
	queue_leave(ex, QUEUE_TIMED_OUT);
	(void)unavailable(ex, "queue timed out");
}

static void on_due(struct timer *t)
{
	struct exchange *ex = container_of(t, struct exchange, timer);
	switch ((enum exchange_state)ex->state) {
	case EX_QUEUED:
	case EX_PARKED:
		end_waiting(ex);
		break;
	case EX_CONNECT:
		attempt_fail(ex, NEAP_STAGE_CONNECT, NEAP_KIND_TIMEOUT, "connecting timed out");
		break;
	case EX_SEND:
		if (ex->waits_client) {
			attempt_end(ex, false);
			reply_error(ex, 408, "the request body did not come in time");
		} else {
			attempt_fail(ex, NEAP_STAGE_SEND, NEAP_KIND_TIMEOUT,
				     "took no more of the request");
		}
		break;
	case EX_WAIT:
		attempt_fail(ex, NEAP_STAGE_WAIT, NEAP_KIND_TIMEOUT, "no answer in time");
		break;
	case EX_RELAY:
		ex->truncated = true;
		ex->client_gone = stream_watches_write(ex->client);
		ex->reason = ex->client_gone ? "client took no more of the answer"
					     : "backend stalled in its answer";
		ex->state = EX_END;
		break;
	case EX_TUNNEL:
		ex->reason = "tunnel was silent";
		ex->state = EX_END;
		break;
	default:
		break;
	}
	exchange_run(ex);
}

/* timeouts.attempt */
static void on_try_due(struct timer *t)
{
	struct exchange *ex = container_of(t, struct exchange, try);
	if (ex->state == EX_SEND && ex->waits_client) {
		timer_start(t, ex->at.lanes->attempt); /* the backend is not to blame */
		return;
	}
	attempt_fail(ex,
		     ex->state == EX_CONNECT ? NEAP_STAGE_CONNECT
		     : ex->state == EX_SEND  ? NEAP_STAGE_SEND
					     : NEAP_STAGE_WAIT,
		     NEAP_KIND_TIMEOUT, "no answer within the time of an attempt");
	exchange_run(ex);
}

static void on_total_due(struct timer *t)
{
	struct exchange *ex = container_of(t, struct exchange, total);
	if (ex->state == EX_TUNNEL)
		return; /* a tunnel is no longer a request */
	if (ex->state == EX_PARKED)
		hook_cancel(&ex->view);
	queue_leave(ex, QUEUE_LEFT);
	attempt_end(ex, false);
	ex->held = false;
	reply_error(ex, 504, "the request's deadline is over");
	exchange_run(ex);
}

/* ---- events ---- */

static void on_resumed(struct neap_request *view, uint32_t verdict)
{
	struct exchange *ex = container_of(view, struct exchange, view);
	(void)on_verdict(ex,
			 (enum neap_verdict)verdict); /* whether to go on at once is in the state */
	exchange_run(ex);
}

/* Of those that wait in a queue this one may ask. */
static void on_turn(struct exchange *ex)
{
	ex->state = EX_PICK;
	exchange_run(ex);
}

static void on_connected(struct uconn *u, bool connected)
{
	struct exchange *ex = u->owner;
	attempt_connected(ex, connected);
	if (ex->state == EX_SEND)
		go_on(ex);
	exchange_run(ex);
}

static void on_upstream(struct stream *s, int events)
{
	struct exchange *ex = container_of(s, struct uconn, stream)->owner;
	if (ex->state == EX_TUNNEL) {
		tunnel_backend(ex, events);
	} else {
		if ((events & STREAM_WRITABLE) != 0) {
			attempt_send(ex);
			upload_resume(ex);
		}
		if ((events & STREAM_READABLE) != 0 && ex->at.uconn != NULL)
			relay_read(ex);
	}
	exchange_run(ex);
}

/* Bytes of a next request, or the client's end, while this one is under way. */
static void read_ahead(struct exchange *ex)
{
	size_t room = buf_room(ex->in);
	if (room == 0) {
		stream_watch_read(ex->client, false);
		return;
	}
	ssize_t n = stream_read(ex->client, buf_tail(ex->in), room);
	if (n > 0) {
		buf_added(ex->in, (size_t)n);
		/*
		 * Enough to do: the client is read again when this is used up, at two system calls
		 * instead of one a request. But who waits in a queue may leave.
		 */
		if (ex->state != EX_QUEUED)
			stream_watch_read(ex->client, false);
	} else if (n != IO_AGAIN) {
		ex->client_gone = true;
		ex->reason = "client left";
		ex->state = EX_END;
	}
}

void exchange_client_ready(struct exchange *ex, int events)
{
	if (ex->state == EX_TUNNEL) {
		tunnel_client(ex, events);
	} else if (ex->view.is_tcp != 0) {
		tunnel_hold(ex);
		if (ex->state == EX_QUEUED)
			queue_note_silent_end(ex);
	} else {
		if ((events & STREAM_WRITABLE) != 0)
			relay_write(ex);
		if ((events & STREAM_READABLE) != 0 && ex->state != EX_END) {
			if (exchange_request_is_whole(ex))
				read_ahead(ex);
			else
				upload_read(ex);
		}
	}
	if (ex->state != EX_PARKED && ex->view.co != NULL)
		hook_cancel(&ex->view);
	exchange_run(ex);
}

void exchange_attend(struct exchange *ex)
{
	if (ex->came_whole && ex->state != EX_TUNNEL)
		stream_watch_read(ex->client, true);
}

void exchange_cut(struct exchange *ex, const char *reason)
{
	if (ex->view.co != NULL)
		hook_cancel(&ex->view);
	ex->was_cut = true;
	if (ex->responded && ex->state == EX_RELAY)
		ex->truncated = true;
	ex->reason = reason;
	ex->state = EX_END;
	exchange_run(ex);
}

/* ---- beginning ---- */

void exchange_setup(struct proxy *p)
{
	p->on_upstream = on_upstream;
	p->on_connected = on_connected;
	p->on_turn = on_turn;
}

void exchange_init(struct exchange *ex, struct proxy *p, struct service *s, struct stream *client,
		   struct buf *in, const struct peer *peer, void *front,
		   void (*on_done)(struct exchange *ex))
{
	memset(ex, 0, offsetof(struct exchange, view));
	ex->proxy = p;
	ex->service = s;
	ex->client = client;
	ex->in = in;
	ex->peer = peer;
	ex->front = front;
	ex->on_done = on_done;
	ex->state = EX_HEAD;
	ex->body_whole = true;
	ex->reason = "";
	ex->connect_us = -1;
	ex->started_us = p->loop->now_us;
	ex->res_fields = ex->req_fields + s->limits.headers;
	timer_init(&ex->timer, on_due);
	timer_init(&ex->total, on_total_due);
	timer_init(&ex->try, on_try_due);
	list_init(&ex->queue_node);
	buf_init(&ex->body, &p->bodies);
	buf_init(&ex->down, &p->blocks);
	buf_init(&ex->out, &p->blocks);
	buf_init(&ex->at.head, &p->blocks);
	if (s->conf->is_tcp)
		ex->view = (struct neap_request){ .is_tcp = 1 };
	else
		ex->view.is_tcp = 0;
	hook_request_init(&ex->view);
	ex->view.on_resumed = on_resumed;
	ex->view.id = 0;
	ex->view.slot = -1;
	h1_head_init(&ex->req, false, ex->req_fields, &s->limits);
}

static void start_total(struct exchange *ex)
{
	uint32_t ms = ex->service->conf->timeouts.request;
	if (ms == 0)
		return;
	timer_start(&ex->total, ex->service->request);
	ex->view.deadline_ms = ex->started_us / 1000 + ms;
}

void exchange_start(struct exchange *ex, bool keep)
{
	ex->keep = keep;
	ex->upgrade = (ex->req.flags & (HTTP_CONN_UPGRADE | HTTP_UPGRADE_H2C)) == HTTP_CONN_UPGRADE;
	view_fill_request(ex);
	ids_on_begin(ex);
	witness_begin(ex);
	start_total(ex);
	h1_head_init(&ex->res, true, ex->res_fields, &ex->service->limits);
	if (ex->req.method_id == METHOD_CONNECT) {
		ex->req_body.done = true;
		ex->keep = false;
		reply_error(ex, 405, "CONNECT is not for a reverse proxy");
	} else if (upload_start(ex)) {
		ex->state = EX_DECIDE;
		ex->came_whole = exchange_request_is_whole(ex);
		if (!ex->came_whole)
			stream_watch_read(ex->client, true);
	}
	exchange_run(ex);
}

void exchange_open(struct exchange *ex)
{
	view_fill(ex);
	witness_begin(ex);
	start_total(ex);
	ex->req_body.done = true;
	ex->state = EX_DECIDE;
	if (!buf_append(&ex->body, buf_head(ex->in), buf_len(ex->in)))
		reply_error(ex, 503, "out of buffers");
	buf_drop(ex->in);
	exchange_run(ex);
}

void exchange_refuse(struct exchange *ex)
{
	ex->keep = false;
	if (ex->req.refusal.status == 0)
		ex->req.refusal = (struct http_refusal){ 400, "malformed request" };
	view_fill_refused(ex);
	reply_error(ex, ex->req.refusal.status, ex->req.refusal.reason);
	exchange_run(ex);
}
