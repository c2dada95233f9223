#include "exchange/tunnel.h"

#include <stdlib.h>

#include "exchange/access.h"
#include "exchange/approach.h"
#include "exchange/choice.h"
#include "exchange/preamble.h"
#include "exchange/queue.h"
#include "exchange/reply.h"
#include "exchange/view.h"
#include "exchange/witness.h"
#include "shm/board_cell.h"
#include "shm/board_state.h"

static struct tunnel *of_request(struct request *rq)
{
	return container_of(rq, struct tunnel, rq);
}

/* ---- the end ---- */

static void end(struct tunnel *t, const char *reason)
{
	t->rq.reason = reason;
	t->state = TUNNEL_END;
}

/* There is no way to tell the client why: the connection is reset. */
static void break_off(struct tunnel *t, uint16_t status, const char *reason)
{
	t->rq.status = status;
	request_broke(&t->rq);
	end(t, reason);
}

static void refuse(struct tunnel *t)
{
	reply_count(&t->rq);
	break_off(t, t->rq.own.status, t->rq.own.reason);
}

static void finish(struct tunnel *t)
{
	struct request *rq = &t->rq;
	queue_leave(rq, QUEUE_LEFT);
	timer_stop(&rq->timer);
	timer_stop(&rq->total);
	attempt_end(&t->at, ATTEMPT_CLOSE);
	rq->bytes = t->pump.down.bytes;
	pump_fini(&t->pump);
	access_end(rq);
	free(rq->tried);
	t->on_done(t);
}

/* ---- bytes ---- */

static void settle(struct tunnel *t, enum pump_outcome outcome)
{
	switch (outcome) {
	case PUMP_GOES_ON:
		return;
	case PUMP_OVER:
		end(t, "");
		return;
	case PUMP_BROKEN:
		request_broke(&t->rq);
		stream_reset(&t->at.uconn->stream);
		end(t, pump_broken_words(&t->pump));
		return;
	}
}

static void tunnel_run(struct tunnel *t);

static void on_backend_ready(struct stream *s, int events)
{
	struct tunnel *t = container_of(s, struct uconn, stream)->owner;
	bool is_silent = t->rq.first_byte_us == 0;
	enum pump_outcome outcome = pump_backend(&t->pump, events);
	if (is_silent && t->rq.first_byte_us != 0)
		uconn_on_answer(t->at.uconn);
	settle(t, outcome);
	tunnel_run(t);
}

/* Most connections are over before tunnel_attend probes them, which saves four system calls. */
static bool is_attended(const struct tunnel *t)
{
	const struct plane *p = t->rq.plane;
	return p->loop->now_us - t->rq.started_us < (int64_t)p->attention->duration_ms * 1000;
}

static bool add_preamble(struct attempt *at)
{
	return preamble_add_of_stream(at, container_of(at, struct tunnel, at)->client);
}

static bool add_proxy_header(struct tunnel *t)
{
	return likely(t->rq.backend->send_proxy == SEND_PROXY_NONE) || t->rq.backend->is_tls ||
	       preamble_add_of_stream(&t->at, t->client);
}

static void connect_both(struct tunnel *t)
{
	struct request *rq = &t->rq;
	struct uconn *u = t->at.uconn;
	u->owner = t;
	u->requests++;
	u->stream.on_ready = on_backend_ready;
	stream_watch_read(&u->stream, true);
	rq->status = 200;
	board_latency(rq->plane->board, rq->view.slot, (uint32_t)rq->connect_us);
	board_answer(rq->plane->board, rq->plane->worker, rq->view.slot, rq->status,
		     rq->connect_us);
	attempt_answered(&t->at, 0);
	rq->can_repeat = false;
	timer_stop(&t->at.timer);
	t->state = TUNNEL_FLOWS;
	enum pump_outcome outcome = pump_begin(&t->pump, &u->stream, &t->at.leg.out);
	if (!is_attended(t))
		pump_probe_silence(&t->pump);
	settle(t, outcome);
	attempt_ask_shadow(&t->at);
}

/* ---- what follows from what ---- */

static void after_attempt(struct tunnel *t, enum attempt_outcome outcome);

static void follow(struct tunnel *t, enum choice choice)
{
	switch (choice) {
	case CHOICE_BACKEND:
		t->at.fresh_only = false;
		t->state = TUNNEL_TAKE;
		break;
	case CHOICE_AGAIN:
		t->state = TUNNEL_PICK;
		break;
	case CHOICE_PARK:
		t->state = TUNNEL_PARKED;
		break;
	case CHOICE_QUEUE:
		t->state = TUNNEL_QUEUED;
		break;
	case CHOICE_SCRIPT:
		break_off(t, (uint16_t)t->rq.view.reply.status, "the policy refused it");
		break;
	case CHOICE_OWN:
	case CHOICE_GO:
	case CHOICE_PASS: /* no answer is ever held */
		refuse(t);
		break;
	}
}

static void after_attempt(struct tunnel *t, enum attempt_outcome outcome)
{
	switch (outcome) {
	case ATTEMPT_STANDS:
		if (add_proxy_header(t)) {
			connect_both(t);
			break;
		}
		attempt_fail_ours(&t->at, NEAP_STAGE_SEND, "out of buffers");
		t->state = TUNNEL_FAILED;
		break;
	case ATTEMPT_CONNECTS:
		t->state = TUNNEL_CONNECT;
		break;
	case ATTEMPT_FAILED:
		t->state = TUNNEL_FAILED;
		break;
	case ATTEMPT_SLOT_LOST:
		follow(t, choice_slot_lost(&t->rq));
		break;
	case ATTEMPT_SHORT:
		refuse(t);
		break;
	}
}

/* One state; true: look at the next one at once. */
static bool step(struct tunnel *t)
{
	switch ((enum tunnel_state)t->state) {
	case TUNNEL_DECIDE:
		follow(t, choice_decide(&t->rq));
		return true;
	case TUNNEL_PICK:
		follow(t, choice_pick(&t->rq));
		return true;
	case TUNNEL_FAILED:
		follow(t, choice_failed(&t->rq));
		return true;
	case TUNNEL_TAKE:
		after_attempt(t, approach_begin(&t->at));
		return true;
	case TUNNEL_PARKED:
	case TUNNEL_QUEUED:
	case TUNNEL_CONNECT:
	case TUNNEL_FLOWS:
	case TUNNEL_END:
		break;
	}
	return false;
}

static void tunnel_run(struct tunnel *t)
{
	unsigned failures = 0;
	if (unlikely(t->state == TUNNEL_FAILED))
		timer_stop(&t->rq.timer); /* it rested */
	while (step(t)) {
		if (unlikely(t->state == TUNNEL_FAILED) && request_must_rest(&t->rq, &failures))
			return;
	}
	if (t->state == TUNNEL_END)
		finish(t);
}

/* ---- events ---- */

static void on_choice(struct request *rq, enum choice choice)
{
	follow(of_request(rq), choice);
	tunnel_run(of_request(rq));
}

static void on_turn(struct request *rq)
{
	struct tunnel *t = of_request(rq);
	t->state = TUNNEL_PICK;
	tunnel_run(t);
}

static void on_attempt(struct attempt *at, enum attempt_outcome outcome)
{
	struct tunnel *t = container_of(at, struct tunnel, at);
	after_attempt(t, outcome);
	tunnel_run(t);
}

static void on_attempt_due(struct attempt *at)
{
	enum neap_stage stage = NEAP_STAGE_CONNECT; /* it ends when the connection stands */
	on_attempt(at, attempt_overdue(at, stage, "no answer within the time of an attempt"));
}

/* The deadline of what the state waits for. */
static void on_due(struct timer *timer)
{
	struct tunnel *t = container_of(timer, struct tunnel, rq.timer);
	switch ((enum tunnel_state)t->state) {
	case TUNNEL_QUEUED:
	case TUNNEL_PARKED:
		if (t->rq.queued_since_us != 0)
			follow(t, choice_queue_over(&t->rq));
		break;
	case TUNNEL_CONNECT:
		after_attempt(t,
			      attempt_overdue(&t->at, NEAP_STAGE_CONNECT, "connecting timed out"));
		break;
	case TUNNEL_FLOWS:
		end(t, pump_silent_words(&t->pump));
		break;
	default:
		break;
	}
	tunnel_run(t);
}

/* Once bytes flow it is no longer a request. */
static void on_total_due(struct timer *timer)
{
	struct tunnel *t = container_of(timer, struct tunnel, rq.total);
	if (t->state == TUNNEL_FLOWS)
		return;
	if (t->state == TUNNEL_PARKED)
		hook_cancel(&t->rq.view);
	queue_leave(&t->rq, QUEUE_LEFT);
	attempt_end(&t->at, ATTEMPT_CLOSE);
	request_own(&t->rq, 504, "the request's deadline is over");
	refuse(t);
	tunnel_run(t);
}

static void client_left(struct tunnel *t)
{
	request_client_left(&t->rq, "client left");
	t->state = TUNNEL_END;
}

/* A client that waits in the queue, has sent nothing and has ended its side has left. */
static bool is_silent_end(const struct tunnel *t)
{
	return t->state == TUNNEL_QUEUED && t->pump.up.source == SOURCE_ENDED &&
	       buf_len(&t->pump.up.buf) == 0;
}

void tunnel_client_ready(struct tunnel *t, int events)
{
	if (t->state == TUNNEL_FLOWS)
		settle(t, pump_client(&t->pump, events));
	else if (!pump_hold(&t->pump) || is_silent_end(t))
		client_left(t);
	if (t->state != TUNNEL_PARKED && t->rq.view.co != NULL)
		hook_cancel(&t->rq.view);
	tunnel_run(t);
}

void tunnel_attend(struct tunnel *t)
{
	if (t->state == TUNNEL_FLOWS)
		pump_probe_silence(&t->pump);
}

void tunnel_cut(struct tunnel *t, const char *reason)
{
	if (t->rq.view.co != NULL)
		hook_cancel(&t->rq.view);
	request_cut(&t->rq, reason, false);
	t->state = TUNNEL_END;
	tunnel_run(t);
}

/* ---- the beginning ---- */

static const struct request_owner owner = {
	.on_choice = on_choice,
	.on_turn = on_turn,
	.on_due = on_due,
	.on_total_due = on_total_due,
};

void tunnel_init(struct tunnel *t, struct plane *p, struct service *s, struct stream *client,
		 const struct peer *peer, void (*on_done)(struct tunnel *t))
{
	request_init(&t->rq, p, s, &owner, peer, NULL, NULL);
	t->rq.connection = t->rq.view.connection = client;
	attempt_init(&t->at, &t->rq, NULL, NULL, NULL);
	t->at.add_preamble = add_preamble;
	t->at.on_outcome = on_attempt;
	t->at.on_due = on_attempt_due;
	pump_init(&t->pump, &t->rq, client, NULL);
	t->client = client;
	t->on_done = on_done;
	t->state = TUNNEL_DECIDE;
}

bool tunnel_take(struct tunnel *t, struct str first)
{
	return buf_append(&t->pump.up.buf, first.p, first.n);
}

void tunnel_open(struct tunnel *t)
{
	view_fill(&t->rq);
	witness_begin(&t->rq);
	request_start_total(&t->rq);
	tunnel_run(t);
}
