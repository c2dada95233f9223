#include "exchange/exchange.h"

#include "exchange/choice.h"
#include "exchange/closing.h"
#include "exchange/door.h"
#include "exchange/forward.h"
#include "exchange/gather.h"
#include "exchange/heads.h"
#include "exchange/kept_answer.h"
#include "exchange/opening.h"
#include "exchange/overdue.h"
#include "exchange/own.h"
#include "exchange/preamble.h"
#include "exchange/queue.h"
#include "exchange/rivalry.h"
#include "exchange/switch.h"

static enum exchange_state state_of(const struct exchange *ex)
{
	return (enum exchange_state)ex->state;
}

/* ---- answers of our own ---- */

static void after_relay(struct exchange *ex, enum relay_outcome outcome);

/*
 * The answer rq->own. Where bytes of another one went out already, that ends truncated instead; after
 * a whole one there is nothing left to say.
 */
static void refuse(struct exchange *ex)
{
	ex->rq.reason = ex->rq.own.reason;
	if (ex->state == EX_REST) {
		ex->client->keep = false;
		ex->state = EX_END;
	} else if (ex->relay.answer == ANSWER_OUT) {
		after_relay(ex, relay_truncate(&ex->relay));
	} else {
		ex->state = EX_ANSWER;
		after_relay(ex, own_send_error(&ex->relay));
	}
}

static void refuse_with(struct exchange *ex, uint16_t status, const char *reason)
{
	request_own(&ex->rq, status, reason);
	refuse(ex);
}

static void answer_with_script(struct exchange *ex)
{
	ex->state = EX_ANSWER;
	after_relay(ex, own_send_script(&ex->relay));
}

/* ---- what follows from what ---- */

static void after_relay(struct exchange *ex, enum relay_outcome outcome)
{
	if (outcome == RELAY_REFUSED)
		refuse(ex);
	else
		ex->state = (uint8_t)phase_after_relay(state_of(ex), outcome);
}

static void after_sending(struct exchange *ex, enum attempt_sent sent)
{
	if (sent == SENT_NOT)
		ex->state = EX_FAILED;
	else if (sent == SENT_ALL && ex->state == EX_SEND)
		ex->state = EX_WAIT;
}

static enum upload_use upload_use(const struct exchange *ex)
{
	return phase_upload_use(state_of(ex));
}

static void send_request(struct exchange *ex)
{
	after_sending(ex, forward_send(&ex->at, ex->client, upload_use(ex)));
}

static bool add_preamble(struct attempt *at)
{
	return preamble_add(at, container_of(at, struct exchange, at)->client);
}

static void begin_sending(struct exchange *ex)
{
	ex->state = EX_SEND;
	after_sending(ex, forward_begin(&ex->at, ex->client));
}

static void follow(struct exchange *ex, enum choice choice);

static void after_attempt(struct exchange *ex, enum attempt_outcome outcome)
{
	switch (outcome) {
	case ATTEMPT_STANDS:
		begin_sending(ex);
		break;
	case ATTEMPT_CONNECTS:
		ex->state = EX_CONNECT;
		break;
	case ATTEMPT_FAILED:
		ex->state = EX_FAILED;
		break;
	case ATTEMPT_SLOT_LOST:
		follow(ex, choice_slot_lost(&ex->rq));
		break;
	case ATTEMPT_SHORT:
		refuse(ex);
		break;
	}
}

/* Another attempt: what the last one left is dropped. */
static void begin_again(struct exchange *ex)
{
	heads_begin_again(&ex->relay);
	body_rewind(&ex->body);
	ex->state = EX_PICK;
}

static void after_upload(struct exchange *ex, enum upload_outcome outcome);

static void on_hedge_due(struct timer *hedge);

/* Hooks may have set another limit for the body than its service has. */
static void begin_attempt(struct exchange *ex)
{
	ex->at.fresh_only = false;
	ex->state = EX_TAKE;
	if (unlikely(ex->rq.lanes->hedge != NULL))
		rivalry_begin_time(ex, on_hedge_due);
	if (unlikely(ex->rq.service->sets_limits || ex->rq.view.route != NULL))
		after_upload(ex, upload_admit(&ex->at));
}

static bool has_rival(const struct exchange *ex)
{
	return unlikely(ex->other != NULL) && ex->rq.role == REQUEST_OWN;
}

static void follow(struct exchange *ex, enum choice choice)
{
	if (has_rival(ex) && choice != CHOICE_PARK) {
		ex->decided = (uint8_t)choice;
		ex->state = EX_HEDGED;
		return;
	}
	switch (choice) {
	case CHOICE_BACKEND:
		begin_attempt(ex);
		break;
	case CHOICE_AGAIN:
		begin_again(ex);
		break;
	case CHOICE_PARK:
		ex->state = EX_PARKED;
		break;
	case CHOICE_QUEUE:
		ex->state = EX_QUEUED;
		if (exchange_is_whole(ex))
			ex->client->ops->watch_end(ex->client);
		break;
	case CHOICE_SCRIPT:
		answer_with_script(ex);
		break;
	case CHOICE_OWN:
		refuse(ex);
		break;
	case CHOICE_PASS:
		after_relay(ex, heads_begin(&ex->relay));
		break;
	case CHOICE_GO:
		after_relay(ex, heads_go_on(&ex->relay));
		break;
	}
}

/* ---- after 101 ---- */

static void after_pump(struct exchange *ex, enum pump_outcome outcome)
{
	ex->state = switch_is_over(ex->pump, &ex->at, outcome) ? EX_END : EX_TUNNEL;
}

static void switch_protocols(struct exchange *ex)
{
	ex->client->keep = false;
	ex->pump = switch_to_pump(&ex->at, ex->client);
	ex->state = EX_END;
	if (ex->pump != NULL)
		after_pump(ex, switch_begin(ex->pump, &ex->at));
}

void exchange_tunnel_ready(struct exchange *ex, int events)
{
	after_pump(ex, pump_client(ex->pump, events));
}

/* ---- the machine ---- */

/* One state; true: look at the next one at once. */
static bool step(struct exchange *ex)
{
	switch (state_of(ex)) {
	case EX_DECIDE:
		follow(ex, choice_decide(&ex->rq));
		return true;
	case EX_PICK:
		follow(ex, choice_pick(&ex->rq));
		return true;
	case EX_FAILED:
		follow(ex, choice_failed(&ex->rq));
		return true;
	case EX_TAKE:
		after_attempt(ex, forward_take(&ex->at));
		return true;
	case EX_SWITCH:
		switch_protocols(ex);
		return true;
	default:
		return false;
	}
}

/* The rival of one that goes on without it. */
static void drop_rival(struct exchange *ex)
{
	struct exchange *rival = ex->other;
	ex->other = NULL;
	exchange_cut(rival, "the other backend answered first");
}

static void finish(struct exchange *ex)
{
	rivalry_end_time(ex);
	if (unlikely(ex->rq.role == REQUEST_RIVAL))
		rivalry_join(ex->other, ex);
	closing_end(&ex->relay, ex->pump);
	ex->client->ops->done(ex->client);
}

static void arm(struct exchange *ex)
{
	enum awaited now = phase_awaited(state_of(ex), &ex->relay);
	deadline_arm(&ex->rq, (enum awaited)ex->awaited, now);
	ex->awaited = (uint8_t)now;
}

static void exchange_run(struct exchange *ex);

/* A rival's answer becomes that of its request. */
static void hand_over(struct exchange *rival)
{
	struct exchange *ex = rival->other;
	ex->other = NULL;
	rivalry_take_over(ex, rival);
	rival->state = EX_END;
	exchange_run(rival);
	ex->rq.plane->on_beaten(&ex->rq);
	ex->state = EX_WAIT;
	after_relay(ex, heads_begin(&ex->relay));
	exchange_run(ex);
}

static void exchange_run(struct exchange *ex)
{
	unsigned failures = 0;
	if (unlikely(ex->state == EX_FAILED))
		timer_stop(&ex->rq.timer); /* it rested */
	if (unlikely(ex->rq.view.co != NULL) && !phase_waits(state_of(ex)))
		hook_cancel(&ex->rq.view);
	while (step(ex)) {
		if (unlikely(ex->state == EX_FAILED) && request_must_rest(&ex->rq, &failures))
			return;
	}
	if (unlikely(!exchange_is_whole(ex)) && phase_takes_rest(state_of(ex)))
		upload_resume(&ex->at, ex->client, UPLOAD_TRAILS);
	if (unlikely(ex->state == EX_REST) && !relay_has_rest(&ex->relay))
		ex->state = EX_END;
	if (has_rival(ex) && !phase_may_be_beaten(state_of(ex)))
		drop_rival(ex);
	if (unlikely(ex->state == EX_WON))
		hand_over(ex);
	else if (ex->state == EX_END)
		finish(ex);
	else
		arm(ex);
}

/* ---- deadlines ---- */

/* The deadline of what the state waits for. */
static void on_due(struct timer *timer)
{
	struct exchange *ex = container_of(timer, struct exchange, rq.timer);
	struct overdue next = overdue_look(ex);
	switch (next.what) {
	case OVERDUE_CHOICE:
		follow(ex, next.choice);
		break;
	case OVERDUE_ATTEMPT:
		after_attempt(ex, next.attempt);
		break;
	case OVERDUE_RELAY:
		after_relay(ex, next.relay);
		break;
	case OVERDUE_OWN:
		refuse(ex);
		break;
	case OVERDUE_END:
		ex->state = EX_END;
		break;
	case OVERDUE_NOTHING:
		break;
	}
	exchange_run(ex);
}

/* hedge.after */
static void on_hedge_due(struct timer *hedge)
{
	struct exchange *ex = container_of(hedge, struct exchange, hedge);
	if (rivalry_is_due(ex))
		ex->rq.plane->on_slow(&ex->rq);
}

/* timeouts.attempt */
static void on_attempt_due(struct attempt *at)
{
	struct exchange *ex = container_of(at, struct exchange, at);
	if (ex->awaited == AWAITED_CLIENT) {
		timer_start(&at->timer, ex->rq.lanes->attempt); /* the backend is not to blame */
		return;
	}
	after_attempt(ex, attempt_overdue(at, phase_stage(state_of(ex)),
					  "no answer within the time of an attempt"));
	exchange_run(ex);
}

static void on_total_due(struct timer *total)
{
	struct exchange *ex = container_of(total, struct exchange, rq.total);
	if (ex->state == EX_TUNNEL)
		return; /* a tunnel is no longer a request */
	if (phase_waits(state_of(ex)))
		hook_cancel(&ex->rq.view);
	queue_leave(&ex->rq, QUEUE_LEFT);
	attempt_end(&ex->at, ATTEMPT_CLOSE);
	ex->rq.holds_answer = false;
	refuse_with(ex, 504, "the request's deadline is over");
	exchange_run(ex);
}

/* ---- events of the parts ---- */

static void on_choice(struct request *rq, enum choice choice)
{
	struct exchange *ex = container_of(rq, struct exchange, rq);
	follow(ex, choice);
	exchange_run(ex);
}

static void on_turn(struct request *rq)
{
	on_choice(rq, CHOICE_AGAIN);
}

static void on_squeezed(struct request *rq)
{
	struct exchange *ex = container_of(rq, struct exchange, rq);
	after_relay(ex, relay_write(&ex->relay));
	exchange_run(ex);
}

static void on_attempt(struct attempt *at, enum attempt_outcome outcome)
{
	struct exchange *ex = container_of(at, struct exchange, at);
	after_attempt(ex, outcome);
	exchange_run(ex);
}

static void read_answer(struct exchange *ex)
{
	struct relay *r = &ex->relay;
	enum relay_outcome outcome = ex->state == EX_GATHER    ? kept_answer_read(r)
				     : r->answer == ANSWER_OUT ? relay_read(r)
							       : heads_read(r);
	if (unlikely(outcome == RELAY_GATHERED)) {
		hook_body_came(&ex->rq.view); /* on_choice may end it */
		return;
	}
	after_relay(ex, outcome);
	exchange_run(ex);
}

static void on_leg_ready(struct leg *leg, int events)
{
	struct exchange *ex = container_of(leg, struct exchange, at.leg);
	if (unlikely(ex->state == EX_TUNNEL)) {
		after_pump(ex, pump_backend(ex->pump, events));
		exchange_run(ex);
		return;
	}
	if ((events & STREAM_WRITABLE) != 0) {
		relay_note_upload(&ex->relay);
		send_request(ex);
	}
	if ((events & STREAM_READABLE) != 0 && ex->at.uconn != NULL)
		read_answer(ex);
	else
		exchange_run(ex);
}

/* ---- what the client did ---- */

void exchange_writable(struct exchange *ex)
{
	after_relay(ex, relay_write(&ex->relay));
}

size_t exchange_body_room(struct exchange *ex)
{
	return upload_room(&ex->at, upload_use(ex));
}

static void after_upload(struct exchange *ex, enum upload_outcome outcome)
{
	switch (outcome) {
	case UPLOAD_WAITS:
		break;
	case UPLOAD_READY:
		after_sending(ex, attempt_send(&ex->at));
		break;
	case UPLOAD_REFUSED: /* nothing after it can be a request */
		queue_leave(&ex->rq, QUEUE_LEFT);
		attempt_end(&ex->at, ATTEMPT_CLOSE);
		ex->client->keep = false;
		refuse(ex);
		break;
	}
}

/* It did not wait for a 100, or no longer. */
static void note_unexpected(struct exchange *ex)
{
	ex->body.expects = false;
	ex->awaited = AWAITED_NOBODY;
}

void exchange_body_came(struct exchange *ex, const char *fault)
{
	relay_note_upload(&ex->relay);
	if (unlikely(ex->body.expects))
		note_unexpected(ex);
	after_upload(ex, upload_came(&ex->at, ex->client, upload_use(ex), fault));
	upload_settle(&ex->at, upload_use(ex));
	if (unlikely(ex->state == EX_PARKED) && hook_awaits_body(&ex->rq.view))
		gather_came(&ex->at);
}

bool exchange_may_splice(struct exchange *ex, uint64_t left)
{
	return upload_may_splice(&ex->at, upload_use(ex), left);
}

void exchange_pipe_came(struct exchange *ex)
{
	relay_note_upload(&ex->relay);
	after_sending(ex, attempt_send(&ex->at));
}

void exchange_client_left(struct exchange *ex, const char *reason)
{
	request_client_left(&ex->rq, reason);
	ex->state = EX_END;
}

/* Its request is here whole and nothing more comes. Does the client still count as there? */
void exchange_client_ended(struct exchange *ex, enum exchange_end how)
{
	bool may_end = ex->state == EX_REST ||
		       (how == EXCHANGE_CLIENT_CLOSED && ex->rq.service->conf->half_close);
	if (!may_end)
		exchange_client_left(ex, "client left");
}

void exchange_settle(struct exchange *ex)
{
	struct neap_request *view = &ex->rq.view;
	bool has_come = unlikely(view->co != NULL) && ex->state == EX_PARKED &&
			hook_awaits_body(view) && gather_is_over(&ex->at);
	if (unlikely(has_come))
		hook_body_came(view); /* on_choice may end it */
	else
		exchange_run(ex);
}

void exchange_cut(struct exchange *ex, const char *reason)
{
	bool is_answering = phase_is_answering(state_of(ex));
	if (ex->rq.view.co != NULL)
		hook_cancel(&ex->rq.view);
	request_cut(&ex->rq, reason, is_answering || request_is_broken(&ex->rq));
	ex->state = EX_END;
	exchange_run(ex);
}

/* ---- beginning ---- */

static const struct request_owner owner = {
	.on_choice = on_choice,
	.on_turn = on_turn,
	.on_due = on_due,
	.on_total_due = on_total_due,
	.on_squeezed = on_squeezed,
};

void exchange_init(struct exchange *ex, const struct exchange_origin *from)
{
	struct http_field *answer_fields = from->fields + from->service->limits.headers;
	request_init(&ex->rq, from->plane, from->service, &owner, from->peer, from->block,
		     from->fields);
	body_init(&ex->body, &from->plane->bodies, from->block);
	attempt_init(&ex->at, &ex->rq, &ex->body, answer_fields, on_leg_ready);
	ex->at.add_preamble = add_preamble;
	ex->at.on_outcome = on_attempt;
	ex->at.on_due = on_attempt_due;
	relay_init(&ex->relay, &ex->at, from->client);
	ex->client = from->client;
	ex->rq.view.body_door = &door_to_body;
	kept_answer_open(&ex->relay);
	ex->pump = NULL;
	ex->other = NULL;
	ex->hedging = HEDGING_NONE;
	ex->awaited = AWAITED_NOBODY;
	ex->state = EX_HEAD;
}

static void decide(struct exchange *ex, const char *fault)
{
	ex->state = EX_DECIDE;
	after_upload(ex, upload_begin(&ex->at, fault));
	if (!exchange_is_whole(ex) && ex->state == EX_DECIDE)
		ex->client->ops->want(ex->client, true);
}

void exchange_start(struct exchange *ex, const char *fault)
{
	enum choice choice;
	opening_begin(&ex->rq);
	if (unlikely(choice_is_ours(&ex->rq, &choice))) {
		ex->body.is_complete = true; /* what comes of it is not read, nor is what came */
		ex->body.early = 0;
		ex->client->keep = false;
		follow(ex, choice);
	} else {
		decide(ex, fault);
	}
	exchange_run(ex);
}

void exchange_start_copy(struct exchange *ex)
{
	ex->state = EX_PICK;
	exchange_run(ex);
}

void exchange_rival_failed(struct exchange *ex)
{
	ex->other = NULL;
	if (ex->state != EX_HEDGED)
		return;
	follow(ex, rivalry_settle(ex));
	exchange_run(ex);
}

void exchange_refuse(struct exchange *ex)
{
	ex->client->keep = false;
	opening_refuse(&ex->rq);
	refuse(ex);
	exchange_run(ex);
}
