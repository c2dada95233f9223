#include "exchange/heads.h"

#include "exchange/call.h"
#include "exchange/choice.h"
#include "exchange/compress.h"
#include "exchange/failure.h"
#include "exchange/rewrite.h"
#include "http/edits.h"
#include "http/h1_framing.h"
#include "shm/board.h"
#include "shm/board_cell.h"
#include "shm/board_state.h"

static struct leg *leg_of(const struct relay *r)
{
	return &r->at->leg;
}

static bool request_is_whole(const struct relay *r)
{
	return r->at->body->is_complete;
}

/* ---- the head for the client ---- */

/*
 * Before the request's end: only a success says that the rest is wanted, and only a client that was
 * told to go on, or never asked, sends it.
 */
static bool ends_upload(const struct relay *r)
{
	return !request_is_whole(r) && (leg_of(r)->head.status >= 300 || r->at->body->expects ||
					leg_of(r)->sending == LEG_MUTE);
}

static bool needs_close(const struct relay *r)
{
	return relay_ends_with_connection(r) || ends_upload(r) || plane_drains(r->rq->plane);
}

/* What the hook `response` sees. */
static void fill_view(struct relay *r)
{
	const struct leg *leg = leg_of(r);
	struct neap_response *view = &r->view;
	view->status = leg->head.status;
	view->latency_us = (uint32_t)(r->rq->first_byte_us - r->at->connected_us);
	view->head = &leg->head;
	view->base = buf_head(&leg->in);
	view->erred = 0;
}

static struct answer answer_of(const struct relay *r, const char *base)
{
	return (struct answer){
		.rq = r->rq,
		.head = &leg_of(r)->head,
		.base = base,
		.keeps = r->client->keep,
		.form = r->client->form,
	};
}

static bool write_interim(struct relay *r, struct str *head)
{
	struct answer answer = answer_of(r, buf_head(&leg_of(r)->in));
	return rewrite_response(&answer, head);
}

static bool write_head(struct relay *r, struct str *head)
{
	struct answer answer = answer_of(r, r->view.base);
	answer.edits = r->view.edits;
	answer.varies = r->varies;
	answer.is_squeezed = r->squeeze != NULL;
	if (unlikely(relay_is_replaced(r))) {
		answer.is_replaced = true;
		answer.own_n = r->kept->own_n;
	}
	return rewrite_response(&answer, head);
}

/* ---- the final answer ---- */

static enum relay_outcome failed(struct relay *r, const char *message)
{
	attempt_fail_ours(r->at, NEAP_STAGE_WAIT, message);
	return RELAY_FAILED;
}

static enum relay_outcome out_of_buffers(struct relay *r)
{
	request_own(r->rq, 503, "out of buffers");
	return RELAY_REFUSED;
}

static bool may_compress(const struct relay *r)
{
	return unlikely(r->rq->service->conf->compress.codings_n > 0);
}

enum relay_outcome heads_go_on(struct relay *r)
{
	struct str head;
	if (unlikely(r->kept != NULL) && r->kept->is_bad) {
		attempt_fail(r->at, NEAP_STAGE_BODY, NEAP_KIND_PROTOCOL, "sent a malformed body");
		return RELAY_FAILED;
	}
	if (unlikely(r->view.erred != 0))
		relay_drop_edits(r);
	if (may_compress(r) && !compress_answer(r))
		return out_of_buffers(r);
	r->client->keep = r->client->keep && !needs_close(r);
	bool fits = write_head(r, &head);
	edits_free(r->view.edits);
	r->view.edits = NULL;
	return fits ? relay_pass(r, head)
		    : failed(r, "the rewritten head of the answer is too large");
}

enum relay_outcome heads_begin(struct relay *r)
{
	struct request *rq = r->rq;
	if (rq->holds_answer && attempt_unsent(r->at) > 0 && attempt_takes(r->at))
		leg_resume(leg_of(r));
	rq->holds_answer = false;
	fill_view(r);
	switch (likely(rq->role == REQUEST_OWN) ? choice_response(rq, &r->view) : CHOICE_GO) {
	case CHOICE_OWN:
		return RELAY_REFUSED;
	case CHOICE_PARK:
		return RELAY_GATHERS;
	default:
		return heads_go_on(r);
	}
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

static void drop_held(struct relay *r)
{
	attempt_end(r->at, ATTEMPT_CLOSE);
	leg_drop(leg_of(r));
	r->rq->holds_answer = false;
	r->rq->grpc_status = GRPC_NONE;
}

void heads_begin_again(struct relay *r)
{
	if (r->rq->holds_answer)
		drop_held(r);
	relay_fini(r);
	r->answer = ANSWER_NONE;
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
	board_answer(b, rq->plane->worker, rq->view.slot, leg_of(r)->head.status, took_us);
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
	return unlikely(r->rq->role == REQUEST_RIVAL) ? RELAY_WON : heads_begin(r);
}

enum relay_outcome heads_alone(struct relay *r)
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
	if (!write_interim(r, &head))
		return failed(r, "a 1xx answer is too large");
	enum client_sent sent = r->client->ops->interim(r->client, head);
	if (sent != CLIENT_GONE)
		return RELAY_WAITS;
	request_client_left(r->rq, "client left");
	return RELAY_LEFT;
}

/* RFC 9110 §15.2: a 1xx goes on to clients that know them. */
static enum relay_outcome interim_head(struct relay *r)
{
	struct leg *leg = leg_of(r);
	if (leg->interim_bytes + leg->head.bytes > HEADS_INTERIM_BYTES)
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

enum relay_outcome heads_read(struct relay *r)
{
	struct leg *leg = leg_of(r);
	if (r->client->ops->room != NULL)
		leg_bound(leg, r->client->ops->room(r->client));
	return on_head(r, leg_read(leg, r->rq->head.method_id));
}
