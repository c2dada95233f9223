#include "exchange/relay.h"

#include <stdio.h>

#include "exchange/call.h"
#include "exchange/call_end.h"
#include "exchange/failure.h"
#include "exchange/ids.h"
#include "exchange/rewrite.h"
#include "http/edits.h"
#include "http/h1_framing.h"
#include "shm/board.h"
#include "shm/board_state.h"
#include "shm/stats.h"

static const char malformed_body[] = "backend sent a malformed body";

static struct leg *leg_of(const struct relay *r)
{
	return &r->at->leg;
}

static bool request_is_whole(const struct relay *r)
{
	return r->at->body->is_complete;
}

void relay_init(struct relay *r, struct attempt *at, struct client *c)
{
	r->rq = at->rq;
	r->at = at;
	r->client = c;
	r->answer = ANSWER_NONE;
	r->out.buf = NULL;
	r->out.text_n = 0;
	r->out.is_last = false;
	r->out.pipe = NULL;
	r->out.sent = 0;
	r->out.trailers.n = 0;
}

/* ---- the end of the backend's part ---- */

/* The answer is here, or will not come. What is missing of the request has no taker now. */
static void leave_backend(struct relay *r, enum attempt_reuse reuse)
{
	if (!request_is_whole(r))
		r->client->keep = false;
	attempt_end(r->at, reuse);
}

static bool is_whole(const struct relay *r)
{
	return leg_of(r)->phase == LEG_WHOLE;
}

static bool is_over(const struct relay *r)
{
	return r->at->uconn == NULL && (is_whole(r) || request_is_broken(r->rq));
}

/*
 * The answer is out and the request is not. Our side of the client's connection ends now, if the
 * client was told that it does.
 */
static enum relay_outcome begin_rest(struct relay *r)
{
	timer_stop(&r->rq->timer);
	leg_drop(leg_of(r));
	r->client->ops->end_answer(r->client);
	leg_want(leg_of(r), true);
	return RELAY_REST;
}

/* The backend may still be reading, so its connection is not kept. */
bool relay_has_rest(struct relay *r)
{
	if (attempt_takes(r->at))
		return true;
	leave_backend(r, ATTEMPT_CLOSE);
	return false;
}

/* ---- progress ---- */

/* The deadline of an answer under way begins anew. */
static void start_timer(struct relay *r)
{
	const struct request *rq = r->rq;
	timer_start(&r->rq->timer,
		    rq->lanes != NULL ? rq->lanes->stream_idle : rq->service->client_body);
}

void relay_note_upload(struct relay *r)
{
	if (r->answer == ANSWER_OUT)
		start_timer(r);
}

/* The backend is read on when all was taken, and not while the pipe holds what was not. */
static void read_on(struct relay *r, enum client_sent sent)
{
	if (r->at->uconn == NULL)
		return;
	if (sent == CLIENT_TOOK_ALL)
		leg_want(leg_of(r), true);
	else if (r->out.pipe != NULL)
		leg_want(leg_of(r), false);
}

/*
 * After bytes came or went: gives the backend's connection back as soon as the answer is here, ends
 * when all of it is out.
 */
static enum relay_outcome note_progress(struct relay *r, enum client_sent sent)
{
	if (sent == CLIENT_GONE) {
		request_client_left(r->rq, "client left");
		return RELAY_LEFT;
	}
	if (is_whole(r) && r->at->uconn != NULL && !attempt_takes(r->at))
		leave_backend(r, ATTEMPT_KEEP);
	if (sent == CLIENT_TOOK_ALL) {
		if (is_over(r))
			return RELAY_OVER;
		if (is_whole(r))
			return begin_rest(r);
		buf_drop_if_empty(&leg_of(r)->in);
	}
	read_on(r, sent);
	start_timer(r);
	return RELAY_ANSWERS;
}

/* Is that all, and what comes after it? */
static void note_end(struct relay *r)
{
	const struct buf *trailers = &leg_of(r)->trailers;
	r->out.is_last = is_whole(r);
	if (likely(trailers->data == NULL) || !r->out.is_last)
		return;
	r->out.trailers = (struct str){ buf_head(trailers), buf_len(trailers) };
	if (r->rq->is_grpc && call_on_trailers(r->rq, r->out.trailers))
		attempt_judge_call(r->at);
}

static enum client_sent send_body(struct relay *r)
{
	note_end(r);
	return r->client->ops->body(r->client, &r->out);
}

/* The slot is free before the client has its answer: the client may come again at once. */
static void free_slot_early(struct relay *r)
{
	if (is_whole(r) && !attempt_takes(r->at))
		attempt_free_slot(r->at);
}

static enum relay_outcome deliver(struct relay *r)
{
	free_slot_early(r);
	return note_progress(r, send_body(r));
}

enum relay_outcome relay_write(struct relay *r)
{
	enum client_sent sent = send_body(r);
	/* Before the final answer these were 1xx heads: the attempt's own deadline goes on. */
	if (r->answer != ANSWER_OUT && sent != CLIENT_GONE)
		return RELAY_WAITS;
	return note_progress(r, sent);
}

enum relay_outcome relay_truncate(struct relay *r)
{
	request_broke(r->rq);
	r->client->keep = false;
	attempt_end(r->at, ATTEMPT_CLOSE);
	if (unlikely(r->rq->is_grpc) && !is_whole(r))
		call_end(r->rq, leg_of(r), r->client, &r->out);
	return note_progress(r, send_body(r));
}

static enum relay_outcome break_off(struct relay *r, const char *reason)
{
	r->rq->reason = reason;
	return relay_truncate(r);
}

/* Neither a byte of the answer nor of the request moved. */
enum relay_outcome relay_stalled(struct relay *r)
{
	request_broke(r->rq);
	if (r->client->ops->is_blocked(r->client))
		request_client_left(r->rq, "client took no more of the answer");
	else
		r->rq->reason = request_is_whole(r)
					? "backend stalled in its answer"
					: "neither the answer nor the request's body went on";
	return RELAY_LEFT;
}

/* ---- answers of our own ---- */

static void begin_own(struct relay *r)
{
	attempt_end(r->at, ATTEMPT_CLOSE);
	leg_drop(leg_of(r));
	leg_of(r)->phase = LEG_WHOLE;
	leg_of(r)->head.framing = FRAMING_NONE;
	r->rq->can_repeat = r->rq->holds_answer = false;
	r->answer = ANSWER_OUT;
	r->out.is_last = true;
}

enum relay_outcome relay_reply(struct relay *r, struct str head, struct str text)
{
	begin_own(r);
	return note_progress(r, r->client->ops->reply(r->client, head, text));
}

enum relay_outcome relay_script(struct relay *r, struct str head, struct str body)
{
	begin_own(r);
	r->out.text = body.p;
	r->out.text_n = (uint32_t)body.n;
	return note_progress(r, r->client->ops->answer(r->client, head, &r->out));
}

/* ---- the final answer ---- */

/*
 * Before the request's end: only a success says that the rest is wanted, and only a client that was
 * told to go on, or never asked, sends it.
 */
static bool ends_upload(const struct relay *r)
{
	return !request_is_whole(r) && (leg_of(r)->head.status >= 300 || r->at->body->expects ||
					leg_of(r)->sending == LEG_MUTE);
}

/* Without a length the client learns of its end by the framing, or by the connection's end. */
bool relay_ends_with_connection(const struct relay *r)
{
	uint8_t framing = leg_of(r)->head.framing;
	return (framing == FRAMING_UNTIL_CLOSE && r->client->form != CLIENT_FRAMED) ||
	       (framing == FRAMING_CHUNKED && r->client->form == CLIENT_DECODED);
}

static bool needs_close(const struct relay *r)
{
	return relay_ends_with_connection(r) || ends_upload(r) || plane_drains(r->rq->plane);
}

/* false: the answer may not go out as it is. */
static bool run_response_hook(struct relay *r, struct neap_response *view)
{
	struct leg *leg = leg_of(r);
	if (unlikely(r->rq->role != REQUEST_OWN))
		return true;
	view->status = leg->head.status;
	view->latency_us = (uint32_t)(r->rq->first_byte_us - r->at->connected_us);
	view->head = &leg->head;
	view->base = buf_head(&leg->in);
	return hook_response(r->rq->service->hooks, &r->rq->view, view);
}

static bool write_head(struct relay *r, const struct neap_response *view, struct str *head)
{
	const struct leg *leg = leg_of(r);
	struct answer answer = {
		.rq = r->rq,
		.head = &leg->head,
		.base = buf_head(&leg->in),
		.edits = view != NULL ? view->edits : NULL,
		.keeps = r->client->keep,
		.form = r->client->form,
	};
	return rewrite_response(&answer, head);
}

static enum body_form form_for(const struct client *c)
{
	return c->form == CLIENT_CODED ? BODY_CODED : BODY_PLAIN;
}

/* The leg's head was rewritten: its body goes on. */
static enum relay_outcome pass_head(struct relay *r, struct str head)
{
	struct leg *leg = leg_of(r);
	if (unlikely(ids_answer_name(r->rq)[0] != '\0'))
		leg->own_field = ids_answer_name(r->rq);
	leg->reads_trailers = r->rq->is_grpc;
	r->rq->can_repeat = false;
	r->rq->status = leg->head.status;
	r->answer = ANSWER_OUT;
	enum leg_news news = leg_pass(leg, form_for(r->client));
	free_slot_early(r);
	r->out.buf = &leg->in;
	note_end(r);
	enum client_sent sent = r->client->ops->answer(r->client, head, &r->out);
	return news == LEG_BODY || sent == CLIENT_GONE ? note_progress(r, sent)
						       : break_off(r, malformed_body);
}

static enum relay_outcome failed(struct relay *r, const char *message)
{
	attempt_fail_ours(r->at, NEAP_STAGE_WAIT, message);
	return RELAY_FAILED;
}

enum relay_outcome relay_begin(struct relay *r)
{
	struct neap_response view = { 0 };
	struct str head;
	if (r->rq->holds_answer && attempt_unsent(r->at) > 0 && attempt_takes(r->at))
		leg_resume(leg_of(r));
	r->rq->holds_answer = false;
	r->client->keep = r->client->keep && !needs_close(r);
	if (unlikely(!run_response_hook(r, &view))) {
		request_own(r->rq, 503, "the policy failed");
		return RELAY_REFUSED;
	}
	bool fits = write_head(r, &view, &head);
	edits_free(view.edits);
	return fits ? pass_head(r, head)
		    : failed(r, "the rewritten head of the answer is too large");
}

/* `failed` sees this answer first. Nothing may happen while a hook waits. */
static enum relay_outcome hold(struct relay *r)
{
	struct request *rq = r->rq;
	uint16_t status = leg_of(r)->head.status;
	rq->holds_answer = true;
	attempt_count_failure(r->at, NEAP_KIND_STATUS);
	leg_pause(leg_of(r));
	timer_stop(&rq->timer);
	rq->has_failed = true;
	failure_of_status(&rq->failure, status, call_is_retried(rq) ? rq->grpc_status : GRPC_NONE);
	return RELAY_HELD;
}

void relay_drop_held(struct relay *r)
{
	attempt_end(r->at, ATTEMPT_CLOSE);
	leg_drop(leg_of(r));
	r->rq->holds_answer = false;
	r->rq->grpc_status = GRPC_NONE;
}

/* ---- heads ---- */

/*
 * A head without the first bytes of its small body is held for a moment until those come: many
 * backends send the two in two writes, and the client gets both in one. A backend that dies in
 * between has not answered yet, so another may.
 */
static bool awaits_body(struct relay *r)
{
	const struct leg *leg = leg_of(r);
	if (r->answer == ANSWER_ALONE || leg->sending != LEG_SENT ||
	    leg->head.framing != FRAMING_LENGTH || leg->head.length == 0 ||
	    leg->head.length > PLANE_BLOCK_BYTES || buf_len(&leg->in) > leg->head.bytes)
		return false;
	r->answer = ANSWER_ALONE;
	timer_start(&r->rq->timer, r->rq->plane->moment);
	return true;
}

static void note_first_byte(struct relay *r)
{
	struct request *rq = r->rq;
	struct board *b = rq->plane->board;
	timer_stop(&r->at->timer);
	rq->first_byte_us = rq->plane->loop->now_us;
	int64_t took_us = rq->first_byte_us - r->at->connected_us;
	board_latency(b, rq->view.slot, (uint32_t)took_us);
	stat_time(&b->latency[rq->plane->worker][rq->view.slot], took_us);
}

/* A client of HTTP/2 takes every success for the tunnel that it asked for (RFC 8441 §5). */
static bool is_mistakable(const struct request *rq, uint16_t status)
{
	return unlikely(rq->asks_switch) && rq->head.minor == HTTP_2 && status < 300;
}

static enum relay_outcome final_head(struct relay *r)
{
	uint16_t status = leg_of(r)->head.status;
	if (r->answer == ANSWER_NONE)
		note_first_byte(r);
	if (awaits_body(r))
		return RELAY_WAITS;
	if (unlikely(r->rq->is_grpc))
		call_on_head(r->rq, &leg_of(r)->head, buf_head(&leg_of(r)->in));
	attempt_answered(r->at, status);
	if (is_mistakable(r->rq, status)) {
		request_own(r->rq, 502, "the backend did not switch protocols");
		return RELAY_REFUSED;
	}
	if (conf_retries_status(r->rq->pool, status) || call_is_retried(r->rq))
		return hold(r);
	return unlikely(r->rq->role == REQUEST_RIVAL) ? RELAY_WON : relay_begin(r);
}

enum relay_outcome relay_head_alone(struct relay *r)
{
	return final_head(r);
}

/* One of the protocols that the request asked for, and nothing else. (Some forget Connection.) */
static bool is_asked_for(const struct relay *r)
{
	const struct request *rq = r->rq;
	const struct leg *leg = leg_of(r);
	return rq->asks_switch && leg->head.minor > 0 &&
	       (leg->head.flags & HTTP_UPGRADE_H2C) == 0 &&
	       h1_upgrade_matches(&leg->head, buf_head(&leg->in), &rq->head, buf_head(rq->block));
}

static enum relay_outcome switch_protocols(struct relay *r)
{
	if (!is_asked_for(r) || !request_is_whole(r) || attempt_unsent(r->at) > 0) {
		attempt_fail(r->at, NEAP_STAGE_WAIT, NEAP_KIND_PROTOCOL,
			     "101 that nobody asked for");
		return RELAY_FAILED;
	}
	r->rq->first_byte_us = r->rq->plane->loop->now_us;
	attempt_answered(r->at, leg_of(r)->head.status);
	return RELAY_SWITCHES;
}

static enum relay_outcome send_interim(struct relay *r)
{
	struct str head;
	if (!write_head(r, NULL, &head))
		return failed(r, "a 1xx answer is too large");
	enum client_sent sent = r->client->ops->interim(r->client, head);
	return sent == CLIENT_GONE ? note_progress(r, sent) : RELAY_WAITS;
}

/* RFC 9110 §15.2: a 1xx goes on to clients that know them. */
static enum relay_outcome interim_head(struct relay *r)
{
	struct leg *leg = leg_of(r);
	if (leg->interim_bytes + leg->head.bytes > RELAY_INTERIM_BYTES)
		return failed(r, "too many 1xx answers");
	r->rq->can_repeat = false;
	if (leg->head.status == 100)
		r->at->body->expects = false;
	return r->rq->head.minor > 0 ? send_interim(r) : RELAY_WAITS;
}

/* Which limit an answer's head exceeds. */
static const char *limit_words(const struct http_head *answer)
{
	return answer->n == answer->limits->headers
		       ? "too many fields in the answer: more than limits.headers of the pool"
		       : "header too large in the answer: more than limits.header_bytes of the pool";
}

static enum relay_outcome refuse_head(struct relay *r)
{
	const struct http_head *head = &leg_of(r)->head;
	if (head->refusal.is_limit)
		return failed(r, limit_words(head));
	attempt_fail(r->at, NEAP_STAGE_WAIT, NEAP_KIND_PROTOCOL, head->refusal.reason);
	return RELAY_FAILED;
}

/* ---- reading ---- */

static enum relay_outcome ended_before_answer(struct relay *r, enum leg_news news)
{
	struct attempt *at = r->at;
	if (attempt_may_replace(at)) {
		attempt_replace(at);
		return RELAY_STALE;
	}
	enum neap_stage stage = request_is_whole(r) && attempt_unsent(at) == 0 ? NEAP_STAGE_WAIT
									       : NEAP_STAGE_SEND;
	if (news == LEG_CLOSED)
		attempt_fail(at, stage, NEAP_KIND_RESET, "closed the connection before its answer");
	else
		attempt_fail_stream(at, stage, leg_failure(&at->leg));
	return RELAY_FAILED;
}

static enum relay_outcome out_of_buffers(struct relay *r)
{
	if (r->answer == ANSWER_OUT)
		return break_off(r, "out of buffers");
	request_own(r->rq, 503, "out of buffers");
	return RELAY_REFUSED;
}

/* Before the final head is passed on. */
static enum relay_outcome on_head(struct relay *r, enum leg_news news)
{
	struct leg *leg = leg_of(r);
	while (news == LEG_INTERIM) {
		enum relay_outcome outcome = interim_head(r);
		if (outcome != RELAY_WAITS)
			return outcome;
		news = leg_next(leg, r->rq->head.method_id);
	}
	switch (news) {
	case LEG_HEAD:
		return leg->head.status == 101 ? switch_protocols(r) : final_head(r);
	case LEG_BAD:
		return refuse_head(r);
	case LEG_CLOSED:
	case LEG_BROKEN:
		return ended_before_answer(r, news);
	case LEG_NO_MEMORY:
		return out_of_buffers(r);
	default:
		return RELAY_WAITS;
	}
}

/* A client that is blocked gets it with what waits. */
static enum relay_outcome on_body(struct relay *r)
{
	if (r->out.pipe == NULL && r->client->ops->is_blocked(r->client))
		return note_progress(r, CLIENT_BLOCKED);
	return deliver(r);
}

static enum relay_outcome on_news(struct relay *r, enum leg_news news)
{
	switch (news) {
	case LEG_BODY:
		return on_body(r);
	case LEG_LAST:
		leave_backend(r, ATTEMPT_CLOSE);
		return note_progress(r, send_body(r));
	case LEG_BAD:
		return break_off(r, malformed_body);
	case LEG_CLOSED:
	case LEG_BROKEN:
		return break_off(r, "backend broke off its answer");
	case LEG_ENDED_AFTER:
		leave_backend(r, ATTEMPT_CLOSE);
		return RELAY_WAITS;
	case LEG_NO_MEMORY:
		return out_of_buffers(r);
	default:
		return RELAY_WAITS;
	}
}

/* A large body goes through a pipe once nothing of it is in memory. */
static bool is_spliced(struct relay *r)
{
	if (r->out.pipe != NULL)
		return true;
	if (likely(leg_left(leg_of(r)) < PLANE_SPLICE_BYTES) || r->answer != ANSWER_OUT ||
	    !leg_can_fill(leg_of(r)) || !r->client->ops->can_drain(r->client))
		return false;
	r->out.pipe = pipe_take(&r->rq->plane->pipes);
	return r->out.pipe != NULL;
}

enum relay_outcome relay_read(struct relay *r)
{
	struct leg *leg = leg_of(r);
	if (r->client->ops->room != NULL)
		leg_bound(leg, r->client->ops->room(r->client));
	if (r->answer != ANSWER_OUT)
		return on_head(r, leg_read(leg, r->rq->head.method_id));
	if (unlikely(is_spliced(r)) && !is_whole(r))
		return on_news(r, leg_fill(leg, r->out.pipe));
	return on_news(r, leg_read(leg, r->rq->head.method_id));
}
