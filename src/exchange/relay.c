#include "exchange/relay.h"

#include <stdlib.h>

#include "exchange/call.h"
#include "exchange/call_end.h"
#include "exchange/choice.h"
#include "exchange/ids.h"
#include "http/edits.h"

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
	r->kept = NULL;
	r->squeeze = NULL;
	r->varies = false;
	r->view.edits = NULL;
}

void relay_drop_edits(struct relay *r)
{
	edits_free(r->view.edits);
	r->view.edits = NULL;
	if (likely(r->kept == NULL))
		return;
	free(r->kept->own);
	r->kept->own = NULL;
}

void relay_drop_squeeze(struct relay *r)
{
	if (likely(r->squeeze == NULL))
		return;
	squeeze_destroy(r->squeeze);
	r->squeeze = NULL;
}

void relay_fini(struct relay *r)
{
	relay_drop_edits(r);
	free(r->kept);
	r->kept = NULL;
	relay_drop_squeeze(r);
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
	if (r->answer >= ANSWER_KEPT)
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
	if (unlikely(r->squeeze != NULL) && sent == CLIENT_TOOK_ALL &&
	    squeeze_goes_on(r->squeeze)) {
		start_timer(r);
		return RELAY_ANSWERS;
	}
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

/* What came goes through the encoder. Without memory for that the answer cannot be finished. */
static bool squeeze(struct relay *r)
{
	const struct buf *trailers = &leg_of(r)->trailers;
	struct str lines = { buf_head(trailers), buf_len(trailers) };
	if (!squeeze_step(r->squeeze, is_whole(r), lines)) {
		r->rq->reason = "no memory to compress the answer";
		request_broke(r->rq);
		r->client->keep = false;
		attempt_end(r->at, ATTEMPT_CLOSE);
	}
	return r->squeeze->is_over;
}

/* Is that all, and what comes after it? */
static void note_end(struct relay *r)
{
	const struct buf *trailers = &leg_of(r)->trailers;
	r->out.is_last = likely(r->squeeze == NULL) ? is_whole(r) : squeeze(r);
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

static void begin_squeeze(struct relay *r)
{
	squeeze_begin(r->squeeze, &r->out, (enum client_form)r->client->form);
	note_end(r);
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
	if (unlikely(r->squeeze != NULL))
		begin_squeeze(r);
	return note_progress(r, r->client->ops->answer(r->client, head, &r->out));
}

/* ---- the final answer ---- */

/* Without a length the client learns of its end by the framing, or by the connection's end. */
bool relay_ends_with_connection(const struct relay *r)
{
	uint8_t framing = leg_of(r)->head.framing;
	if (unlikely(relay_is_replaced(r) || r->squeeze != NULL))
		return false;
	return (framing == FRAMING_UNTIL_CLOSE && r->client->form != CLIENT_FRAMED) ||
	       (framing == FRAMING_CHUNKED && r->client->form == CLIENT_DECODED);
}

/* An encoder takes bytes as they are; whether there will be one is not known before its hook ends. */
static enum body_form form_for(const struct relay *r)
{
	bool may_squeeze = unlikely(r->kept != NULL) &&
			   r->rq->service->conf->compress.codings_n > 0;
	bool is_plain = r->client->form != CLIENT_CODED || may_squeeze || r->squeeze != NULL;
	return is_plain ? BODY_PLAIN : BODY_CODED;
}

bool relay_open_body(struct relay *r)
{
	struct leg *leg = leg_of(r);
	if (unlikely(ids_answer_name(r->rq)[0] != '\0'))
		leg->own_field = ids_answer_name(r->rq);
	leg->reads_trailers = r->rq->is_grpc;
	return leg_pass(leg, form_for(r)) == LEG_BODY;
}

/* A script's bytes go out in the place of the backend's. The trailers of a call are its status. */
static void replace_body(struct relay *r)
{
	const struct relay_kept *kept = r->kept;
	buf_drop(&leg_of(r)->in);
	if (!r->rq->is_grpc)
		buf_drop(&leg_of(r)->trailers);
	if (!request_gets_body(r->rq, leg_of(r)->head.status))
		return;
	r->out.text = kept->own;
	r->out.text_n = kept->own_n;
}

enum relay_outcome relay_pass(struct relay *r, struct str head)
{
	struct leg *leg = leg_of(r);
	bool is_well = leg->phase != LEG_AWAITS || relay_open_body(r);
	r->rq->can_repeat = false;
	r->rq->status = leg->head.status;
	r->answer = ANSWER_OUT;
	if (unlikely(relay_is_replaced(r)))
		replace_body(r);
	free_slot_early(r);
	r->out.buf = &leg->in;
	if (unlikely(r->squeeze != NULL))
		begin_squeeze(r);
	else
		note_end(r);
	enum client_sent sent = r->client->ops->answer(r->client, head, &r->out);
	return is_well || sent == CLIENT_GONE ? note_progress(r, sent)
					      : break_off(r, malformed_body);
}

/* ---- reading ---- */

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
		return break_off(r, "out of buffers");
	default:
		return RELAY_WAITS;
	}
}

/* A large body goes through a pipe once nothing of it is in memory. */
static bool is_spliced(struct relay *r)
{
	if (r->out.pipe != NULL)
		return true;
	if (unlikely(r->squeeze != NULL))
		return false;
	if (likely(leg_left(leg_of(r)) < PLANE_SPLICE_BYTES) || !leg_can_fill(leg_of(r)) ||
	    !r->client->ops->can_drain(r->client))
		return false;
	r->out.pipe = pipe_take(&r->rq->plane->pipes);
	return r->out.pipe != NULL;
}

enum relay_outcome relay_read(struct relay *r)
{
	struct leg *leg = leg_of(r);
	if (r->client->ops->room != NULL)
		leg_bound(leg, r->client->ops->room(r->client));
	if (unlikely(is_spliced(r)) && !is_whole(r))
		return on_news(r, leg_fill(leg, r->out.pipe));
	return on_news(r, leg_read(leg, r->rq->head.method_id));
}
