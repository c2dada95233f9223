#include "upstream/h2_leg.h"

#include <errno.h>
#include <stdlib.h>

#include "http/h1_line.h"
#include "net/trim.h"
#include "upstream/h2_answer.h"
#include "upstream/h2_pool.h"
#include "upstream/h2_upload.h"

enum { CALLS_MAX = 1 << 24 }; /* of a worker: connections have their own bounds */

/* One request on a connection. */
struct h2_call {
	struct h2_stream stream;
	struct leg *leg; /* NULL: it was given up, and the connection still has the stream */
	struct h2_answer answer;

	struct h2_upload upload;

	/* The answer's window. */
	uint32_t window; /* bytes */
	uint64_t taken;	 /* since it became so large */

	uint32_t code;	 /* why it ended */
	bool has_closed; /* the connection has it no more */
	bool has_failed; /* it could not be sent */
	bool is_paused;
	uint8_t missed; /* events while it was paused */
};

static struct h2_call *of_leg(const struct leg *leg)
{
	return leg->own;
}

static struct h2_call *of_stream(void *stream)
{
	return container_of((struct h2_stream *)stream, struct h2_call, stream);
}

static struct h2_conn *conn_of(const struct h2_call *call)
{
	return call->stream.conn;
}

static void tell(struct h2_call *call, int events)
{
	if (call->leg != NULL)
		h2_conn_tell(&call->stream, events);
}

static void on_ready(struct h2_stream *s, int events)
{
	struct h2_call *call = of_stream(s);
	if (call->is_paused)
		call->missed |= (uint8_t)events;
	else
		call->leg->on_ready(call->leg, events);
}

static void drop(struct h2_worker *w, struct h2_call *call)
{
	h2_answer_fini(&call->answer);
	h2_upload_fini(&call->upload);
	slab_put(&w->calls, call);
}

/* ---- the request's body ---- */

static bool submit_trailers(struct h2_call *call)
{
	struct h2_session *session = &conn_of(call)->session;
	struct h2_lines l = h2_session_lines(session);
	struct str text = call->upload.trailers;
	return h2_lines_trailers(&l, (char *)(uintptr_t)text.p, text.n) &&
	       h2_session_trailers(session, call->stream.id, &l);
}

static size_t on_ask(struct h2_session *s, void *stream, size_t max, enum h2_more *more)
{
	struct h2_call *call = of_stream(stream);
	bool is_all = false;
	(void)s;
	*more = H2_MORE;
	if (call->leg == NULL)
		return 0;
	size_t n = h2_upload_ask(&call->upload, max, &is_all);
	if (is_all)
		*more = call->upload.trailers.n > 0 && submit_trailers(call) ? H2_THEN_TRAILERS
									     : H2_LAST;
	else if (n == 0)
		tell(call, STREAM_WRITABLE); /* its owner may have more */
	return n;
}

static void on_take(struct h2_session *s, void *stream, char *to, size_t n)
{
	struct h2_call *call = of_stream(stream);
	(void)s;
	if (call->leg != NULL)
		h2_upload_take(&call->upload, to, n);
	else
		memset(to, 0, n); /* a reset follows */
}

/* ---- the request ---- */

static bool begin(struct h2_call *call, struct str head, const struct leg_body *body)
{
	struct h2_conn *c = conn_of(call);
	struct h2_lines l = h2_session_lines(&c->session);
	struct str scheme = stream_is_secure(&c->uconn->stream) ? STR("https") : STR("http");
	char *text = (char *)(uintptr_t)head.p; /* scratch memory */
	const char *blank = memchr(text, ' ', head.n);
	bool has_body = body->n > 0 || !body->is_last || body->trailers.n > 0;
	call->answer.method_id = h1_line_method_id((struct str){ text, (size_t)(blank - text) });
	h2_upload_begin(&call->upload, (enum body_form)body->form);
	return h2_lines_request(&l, text, head.n, scheme, (struct str){ NULL, 0 }) &&
	       h2_conn_begin(&call->stream, &l, has_body);
}

static ssize_t fail_sending(struct h2_call *call)
{
	call->leg->sending = LEG_MUTE;
	call->has_failed = true;
	tell(call, STREAM_READABLE);
	return IO_ERROR;
}

static ssize_t h2_send(struct leg *leg, struct str head, const struct leg_body *body, size_t *took)
{
	struct h2_call *call = of_leg(leg);
	struct h2_conn *c = conn_of(call);
	leg->sending = LEG_SENDING;
	*took = 0;
	if (h2_conn_is_gone(c) || call->has_closed || (head.n > 0 && !begin(call, head, body)))
		return fail_sending(call);
	if (!h2_upload_lend(&call->upload, body))
		return fail_sending(call);
	if (h2_upload_has_news(&call->upload))
		h2_session_resume(&c->session, call->stream.id);
	h2_conn_gather(c);
	if (!h2_upload_return(&call->upload, took) && !call->has_closed)
		return fail_sending(call);
	h2_conn_send_later(c);
	return *took > 0 ? (ssize_t)*took : IO_AGAIN;
}

static bool h2_is_untouched(const struct leg *leg)
{
	const struct h2_call *call = of_leg(leg);
	return call->code == H2_REFUSED_STREAM || h2_stream_is_unsent(&call->stream);
}

/* ---- the answer ---- */

static void note_news(struct h2_call *call)
{
	if (unlikely(call->answer.fault != NULL) && call->stream.id != 0 && !call->has_closed)
		h2_session_reset(&conn_of(call)->session, call->stream.id, H2_PROTOCOL_ERROR);
	tell(call, STREAM_READABLE);
}

static void on_block(struct h2_session *s, void *stream)
{
	(void)s;
	if (of_stream(stream)->leg != NULL)
		h2_answer_block(&of_stream(stream)->answer);
}

static void on_field(struct h2_session *s, void *stream, struct str name, struct str value)
{
	(void)s;
	if (of_stream(stream)->leg != NULL)
		h2_answer_field(&of_stream(stream)->answer, name, value);
}

static void on_block_end(struct h2_session *s, void *stream, bool is_last)
{
	struct h2_call *call = of_stream(stream);
	(void)s;
	if (call->leg == NULL)
		return;
	h2_answer_block_end(&call->answer, is_last);
	note_news(call);
}

static void on_data(struct h2_session *s, void *stream, const char *p, size_t n)
{
	struct h2_call *call = of_stream(stream);
	(void)s;
	if (call->leg == NULL)
		return;
	h2_answer_data(&call->answer, (struct str){ p, n });
	note_news(call);
}

static void on_end(struct h2_session *s, void *stream)
{
	struct h2_call *call = of_stream(stream);
	(void)s;
	if (call->leg == NULL)
		return;
	h2_answer_end(&call->answer);
	note_news(call);
}

static void on_close(struct h2_session *s, void *stream, uint32_t code)
{
	struct h2_call *call = of_stream(stream);
	(void)s;
	h2_conn_ended(&call->stream);
	call->code = code;
	call->has_closed = true;
	if (call->leg != NULL)
		tell(call, STREAM_READABLE);
	else
		drop(conn_of(call)->worker, call);
}

static struct h2_conn *of_session(struct h2_session *s)
{
	return container_of(s, struct h2_conn, session);
}

static void on_goaway(struct h2_session *s, int32_t last_id, uint32_t code)
{
	(void)last_id; /* the streams above it end as refused */
	h2_conn_on_goaway(of_session(s), code);
}

static void on_settings(struct h2_session *s)
{
	h2_conn_on_settings(of_session(s));
}

static void on_pong(struct h2_session *s)
{
	h2_conn_on_pong(of_session(s));
}

/* Pushed streams are switched off; one that comes all the same is refused. */
static void *on_stream(struct h2_session *s, int32_t id)
{
	(void)s, (void)id;
	return NULL;
}

const struct h2_events h2_leg_events = {
	.on_stream = on_stream,
	.on_block = on_block,
	.on_field = on_field,
	.on_block_end = on_block_end,
	.on_data = on_data,
	.on_end = on_end,
	.on_close = on_close,
	.on_ask = on_ask,
	.on_take = on_take,
	.on_goaway = on_goaway,
	.on_settings = on_settings,
	.on_pong = on_pong,
};

/* ---- what the owner asks ---- */

static enum leg_news bad(struct h2_call *call)
{
	struct http_refusal *refusal = &call->leg->head.refusal;
	if (refusal->status == 0)
		*refusal = (struct http_refusal){ .status = 502, .reason = call->answer.fault };
	return LEG_BAD;
}

/* It ended before the answer was whole. A whole answer may be followed by a reset (RFC 9113 §8.1). */
static bool is_cut_off(const struct h2_call *call)
{
	return (call->has_closed || call->has_failed) && !call->answer.has_ended &&
	       h2_spill_is_empty(&call->answer.spill);
}

static enum leg_news read_head(struct h2_call *call)
{
	const struct h2_answer *a = &call->answer;
	if (a->phase == H2_ANSWER_INTERIM)
		return LEG_INTERIM;
	if (is_cut_off(call))
		return LEG_BROKEN;
	return a->phase >= H2_ANSWER_HEAD ? LEG_HEAD : LEG_NOTHING;
}

static enum leg_news read_body(struct h2_call *call)
{
	struct leg *leg = call->leg;
	h2_answer_settle(&call->answer);
	leg->body.payload = call->answer.got;
	if (call->answer.is_closed) {
		leg->phase = LEG_WHOLE;
		return LEG_BODY;
	}
	return is_cut_off(call) ? LEG_BROKEN : buf_len(&leg->in) > 0 ? LEG_BODY : LEG_NOTHING;
}

/* Its client keeps up: the window follows what comes in one piece of it. */
static void grow(struct h2_call *call, size_t taken)
{
	uint32_t most = conn_of(call)->window_max;
	call->taken += taken;
	if (call->answer.untaken > 0 || call->taken < call->window || call->window >= most)
		return;
	call->taken = 0;
	call->window = call->window < most / 2 ? 2 * call->window : most;
	h2_session_grow(&conn_of(call)->session, call->stream.id, call->window);
}

static void take_in(struct h2_call *call)
{
	size_t n = h2_answer_taken(&call->answer);
	if (n == 0 || call->has_closed)
		return;
	h2_session_took(&conn_of(call)->session, call->stream.id, n);
	grow(call, n);
	h2_conn_send_later(conn_of(call));
}

static enum leg_news h2_read(struct leg *leg, uint8_t method_id)
{
	struct h2_call *call = of_leg(leg);
	(void)method_id; /* that of the head that was sent */
	if (leg->phase == LEG_WHOLE)
		return call->has_closed ? LEG_ENDED_AFTER : LEG_NOTHING;
	if (call->answer.lacks_memory)
		return LEG_NO_MEMORY;
	take_in(call);
	if (call->answer.fault != NULL)
		return bad(call);
	return leg->phase == LEG_AWAITS ? read_head(call) : read_body(call);
}

static enum leg_news h2_next(struct leg *leg, uint8_t method_id)
{
	struct h2_call *call = of_leg(leg);
	leg->interim_bytes += leg->head.bytes;
	buf_consume(&leg->in, leg->head.bytes);
	h2_answer_next(&call->answer);
	return h2_read(leg, method_id);
}

static enum leg_news h2_pass(struct leg *leg, enum body_form form)
{
	struct h2_call *call = of_leg(leg);
	h2_answer_pass(&call->answer, form);
	h2_answer_go_on(&call->answer);
	leg->phase = LEG_PASSES;
	leg->body.framing = leg->head.framing;
	leg->body.left = leg->head.framing == FRAMING_LENGTH ? leg->head.length : 0;
	enum leg_news news = read_body(call);
	if (news == LEG_BROKEN || call->answer.fault != NULL)
		tell(call, STREAM_READABLE); /* after what there is of it */
	return LEG_BODY;
}

static bool h2_can_fill(const struct leg *leg)
{
	(void)leg;
	return false;
}

static void wake(struct h2_call *call)
{
	if (!call->is_paused)
		return;
	call->is_paused = false;
	if (call->missed != 0)
		tell(call, call->missed);
	call->missed = 0;
}

static void h2_want(struct leg *leg, bool more)
{
	struct h2_call *call = of_leg(leg);
	wake(call);
	if (!more || leg->phase == LEG_AWAITS)
		return;
	take_in(call);
	if (h2_spill_is_empty(&call->answer.spill) &&
	    (!call->answer.has_ended || call->answer.is_closed))
		return;
	h2_answer_go_on(&call->answer);
	tell(call, STREAM_READABLE);
}

static void h2_pause(struct leg *leg)
{
	of_leg(leg)->is_paused = true;
}

static void h2_resume(struct leg *leg)
{
	struct h2_call *call = of_leg(leg);
	wake(call);
	tell(call, STREAM_WRITABLE);
}

static const char *code_words(uint32_t code)
{
	switch (code) {
	case H2_NO_ERROR:
		return "the backend ended the stream before its answer was whole";
	case H2_REFUSED_STREAM:
		return "the backend refused the stream";
	case H2_ENHANCE_YOUR_CALM:
		return "the backend reset the stream (ENHANCE_YOUR_CALM)";
	case H2_HTTP_1_1_REQUIRED:
		return "the backend wants HTTP/1.1 for this request";
	default:
		return "the backend reset the stream";
	}
}

static struct stream_failure h2_failure(const struct leg *leg)
{
	const struct h2_call *call = of_leg(leg);
	if (h2_conn_is_gone(conn_of(call)))
		return conn_of(call)->why;
	return (struct stream_failure){ STREAM_FAILURE_RESET, EPROTO, code_words(call->code) };
}

/* The connection is for others, too: only the stream ends. */
static void h2_end(struct leg *leg, const struct leg_keep *keep)
{
	struct h2_call *call = of_leg(leg);
	struct h2_conn *c = conn_of(call);
	struct h2_worker *w = c->worker;
	bool is_open = call->stream.id != 0 && !call->has_closed;
	call->leg = NULL;
	leg->own = NULL;
	if (is_open) {
		h2_session_reset(&c->session, call->stream.id, H2_CANCEL);
		if (keep == NULL)
			h2_pool_doubt(&call->stream);
		h2_conn_send_later(c);
	}
	h2_conn_part(&call->stream);
	if (!is_open)
		drop(w, call);
}

static struct stream *h2_steal(struct leg *leg)
{
	return &leg->uconn->stream; /* never: no 101 is passed on */
}

static void h2_moved(struct leg *leg, struct leg *from)
{
	struct h2_call *call = of_leg(leg);
	(void)from;
	call->leg = leg;
	call->upload.kept = &leg->out;
	h2_answer_moved(&call->answer, leg);
}

static const struct leg_ops h2_ops = {
	.send = h2_send,
	.read = h2_read,
	.next = h2_next,
	.pass = h2_pass,
	.can_fill = h2_can_fill,
	.want = h2_want,
	.pause = h2_pause,
	.resume = h2_resume,
	.is_untouched = h2_is_untouched,
	.failure = h2_failure,
	.end = h2_end,
	.steal = h2_steal,
	.moved = h2_moved,
	.is_framed = true,
};

bool h2_leg_open(struct leg *leg, struct h2_conn *c)
{
	if (unlikely(c->worker->calls.object_bytes == 0))
		trim_slab_init(c->worker->loop, &c->worker->calls, sizeof(struct h2_call),
			       CALLS_MAX);
	struct h2_call *call = slab_take(&c->worker->calls);
	if (call == NULL)
		return false;
	*call = (struct h2_call){ .leg = leg,
				  .stream.on_ready = on_ready,
				  .window = H2_FIRST_WINDOW };
	h2_conn_join(c, &call->stream);
	h2_answer_init(&call->answer, leg, METHOD_OTHER);
	h2_upload_init(&call->upload, &leg->out, &c->worker->blocks);
	leg->ops = &h2_ops;
	leg->uconn = c->uconn;
	leg->own = call;
	return true;
}
