#include "proxy/h2_client.h"

#include "net/tls_stream.h"

enum note {
	NOTE_HEAD = 1,	   /* the head is whole */
	NOTE_BODY = 2,	   /* more of the body came, or its end */
	NOTE_WRITABLE = 4, /* what waited for the client was taken */
	NOTE_LEFT = 8,	   /* it reset the stream */
};

static struct h2_client *of_client(const struct client *c)
{
	return container_of(c, struct h2_client, client);
}

static struct h2_session *session_of(const struct h2_client *c)
{
	return &c->link->session;
}

static void note(struct h2_client *c, enum note what)
{
	if (c->notes == 0)
		list_append(&c->link->noted, &c->noted);
	c->notes |= (uint8_t)what;
}

/* ---- the answer ---- */

static size_t waiting(const struct client_body *b)
{
	return (b->buf != NULL ? buf_len(b->buf) : 0) + b->text_n;
}

/* Nothing more is to be told of this body for now. */
static bool is_taken(const struct h2_client *c)
{
	const struct client_body *b = c->sending;
	return b == NULL || (waiting(b) == 0 && (!b->is_last || c->answer == H2_ANSWERED));
}

/* Lines of trailers are in a buffer of the backend's side, and only read here. */
static bool add_trailers(struct h2_client *c, struct str lines)
{
	struct h2_lines l = h2_session_lines(session_of(c));
	return h2_lines_trailers(&l, (char *)(uintptr_t)lines.p, lines.n) && l.n > 0 &&
	       h2_session_trailers(session_of(c), c->id, &l);
}

size_t h2_client_on_ask(struct h2_session *s, void *stream, size_t max, enum h2_more *more)
{
	struct h2_client *c = stream;
	struct client_body *b = c->sending;
	(void)s;
	*more = H2_MORE;
	if (b == NULL)
		return 0;
	size_t n = waiting(b);
	if (n > max)
		return max;
	if (b->is_last) {
		*more = b->trailers.n > 0 && add_trailers(c, b->trailers) ? H2_THEN_TRAILERS
									  : H2_LAST;
		c->answer = H2_ANSWERED;
		if (n == 0 && c->is_blocked)
			note(c, NOTE_WRITABLE);
	}
	return n;
}

static void take_from(struct client_body *b, char *to, size_t n)
{
	size_t in_buf = b->buf != NULL ? buf_len(b->buf) : 0, part = n < in_buf ? n : in_buf;
	b->sent += n;
	if (part > 0) {
		memcpy(to, buf_head(b->buf), part);
		buf_consume(b->buf, part);
	}
	if (n > part) {
		memcpy(to + part, b->text, n - part);
		b->text += n - part;
		b->text_n -= (uint32_t)(n - part);
	}
}

void h2_client_on_take(struct h2_session *s, void *stream, char *to, size_t n)
{
	struct h2_client *c = stream;
	(void)s;
	take_from(c->sending, to, n);
	if (c->is_blocked && is_taken(c))
		note(c, NOTE_WRITABLE);
}

/* Gathers; what came of it. */
static enum client_sent settle(struct h2_client *c)
{
	h2_link_gather(c->link);
	if (!c->is_known && c->answer != H2_ANSWERED)
		return CLIENT_GONE;
	c->is_blocked = !is_taken(c);
	return c->is_blocked ? CLIENT_BLOCKED : CLIENT_TOOK_ALL;
}

/* Heads are in the plane's scratch memory: their names become lower case there. */
static bool read_head(struct h2_client *c, struct str head, struct h2_lines *l)
{
	uint16_t status;
	*l = h2_session_lines(session_of(c));
	return h2_lines_answer(l, (char *)(uintptr_t)head.p, head.n, &status);
}

/* A malformed request has no answer but its stream's end (RFC 9113 §8.1.1). */
static enum client_sent answer_fault(struct h2_client *c)
{
	c->answer = H2_ANSWERED;
	c->sending = NULL;
	return CLIENT_TOOK_ALL;
}

static enum client_sent h2_answer(struct client *client, struct str head, struct client_body *b)
{
	struct h2_client *c = of_client(client);
	struct h2_lines l;
	bool has_body = !b->is_last || waiting(b) > 0 || b->trailers.n > 0;
	if (!c->is_known)
		return CLIENT_GONE;
	if (unlikely(c->fault != NULL))
		return answer_fault(c);
	if (!read_head(c, head, &l) || !h2_session_answer(session_of(c), c->id, &l, has_body))
		return CLIENT_GONE;
	c->answer = has_body ? H2_ANSWERS : H2_ANSWERED;
	c->sending = has_body ? b : NULL;
	return settle(c);
}

static enum client_sent h2_interim(struct client *client, struct str head)
{
	struct h2_client *c = of_client(client);
	struct h2_lines l;
	if (!c->is_known)
		return CLIENT_GONE;
	if (read_head(c, head, &l))
		(void)h2_session_interim(session_of(c), c->id, &l);
	h2_link_gather(c->link);
	return CLIENT_TOOK_ALL;
}

static enum client_sent h2_body(struct client *client, struct client_body *b)
{
	struct h2_client *c = of_client(client);
	if (c->answer == H2_UNANSWERED) /* 1xx heads were all */
		return c->is_known ? CLIENT_TOOK_ALL : CLIENT_GONE;
	if (c->sending != &c->own || waiting(&c->own) == 0)
		c->sending = b;
	if (c->is_known && !is_taken(c))
		h2_session_resume(session_of(c), c->id);
	return settle(c);
}

static enum client_sent h2_reply(struct client *client, struct str head, struct str text)
{
	struct h2_client *c = of_client(client);
	c->own =
		(struct client_body){ .text = text.p, .text_n = (uint32_t)text.n, .is_last = true };
	enum client_sent sent = h2_answer(client, head, &c->own);
	if (sent != CLIENT_BLOCKED)
		return sent;
	if (!buf_append(&c->kept, c->own.text, c->own.text_n))
		return CLIENT_GONE;
	c->own.buf = &c->kept;
	c->own.text_n = 0;
	return sent;
}

static bool h2_can_drain(const struct client *client)
{
	(void)client;
	return false;
}

static bool h2_is_blocked(const struct client *client)
{
	return of_client(client)->is_blocked;
}

static void nothing(struct client *client)
{
	(void)client;
}

/* ---- the request's body ---- */

/* What went on to the backend may come again. */
static void open_window(struct h2_client *c)
{
	uint64_t gone = c->came - c->queue.bytes - body_unsent(&c->ex.body);
	if (!c->is_known || gone <= c->opened)
		return;
	h2_session_took(session_of(c), c->id, (size_t)(gone - c->opened));
	c->opened = gone;
	h2_link_stir(c->link);
}

static void h2_want(struct client *client, bool more)
{
	struct h2_client *c = of_client(client);
	if (!more)
		return;
	open_window(c);
	if (c->queue.bytes == 0)
		return;
	note(c, NOTE_BODY);
	h2_link_stir(c->link);
}

/* h2_want is called whenever some of it went on. */
static bool h2_is_wanted(const struct client *client)
{
	(void)client;
	return false;
}

static void note_end(struct h2_client *c)
{
	const struct http_head *head = &c->ex.rq.head;
	if (head->framing == FRAMING_LENGTH && c->came != head->length && c->fault == NULL)
		c->fault = "the body is shorter than content-length";
	c->has_ended = true;
}

void h2_client_on_data(struct h2_session *s, void *stream, const char *p, size_t n)
{
	struct h2_client *c = stream;
	struct body *body = &c->ex.body;
	const struct http_head *head = &c->ex.rq.head;
	size_t room = 0;
	(void)s;
	c->came += n;
	note(c, NOTE_BODY);
	if (head->framing == FRAMING_LENGTH && c->came > head->length)
		c->fault = "the body is longer than content-length";
	if (c->fault != NULL || c->result != H2_FIELDS_WHOLE)
		return;
	if (c->queue.bytes == 0)
		room = exchange_body_room(&c->ex);
	size_t part = n < room ? n : room;
	memcpy(buf_tail(&body->buf), p, part);
	buf_added(&body->buf, part);
	body->payload += part;
	if (!h2_queue_add(&c->queue, &c->memory->pieces, p + part, n - part))
		c->fault = "out of buffers";
}

void h2_client_on_end(struct h2_session *s, void *stream)
{
	struct h2_client *c = stream;
	(void)s;
	note_end(c);
	note(c, NOTE_BODY);
}

static void move_queued(struct h2_client *c)
{
	struct body *body = &c->ex.body;
	while (c->queue.bytes > 0) {
		size_t room = exchange_body_room(&c->ex);
		if (room == 0)
			break;
		body->payload += h2_queue_move(&c->queue, &c->memory->pieces, &body->buf, room);
	}
	body->is_complete = c->has_ended && c->queue.bytes == 0;
}

/* ---- life, as the exchange sees it ---- */

static void h2_local(const struct client *client, struct peer *to)
{
	stream_local(of_client(client)->link->stream, to);
}

static bool h2_tls(const struct client *client, struct tls_facts *to)
{
	return tls_stream_facts(of_client(client)->link->stream, to);
}

static struct stream *h2_steal(struct client *client, struct outbox **unsent)
{
	(void)client;
	*unsent = NULL;
	return NULL;
}

/* RFC 9113 §8.1: an answer that is whole before its request says that no more of that is wanted. */
static void close_stream(struct h2_client *c)
{
	if (!c->is_known)
		return;
	c->is_known = false;
	if (c->fault != NULL)
		h2_session_reset(session_of(c), c->id, H2_PROTOCOL_ERROR);
	else if (c->answer != H2_ANSWERED)
		h2_session_reset(session_of(c), c->id, H2_INTERNAL_ERROR);
	else if (!c->has_ended)
		h2_session_reset(session_of(c), c->id, H2_NO_ERROR);
	h2_session_forget(session_of(c), c->id);
	h2_link_stir(c->link);
}

static void h2_done(struct client *client)
{
	struct h2_client *c = of_client(client);
	close_stream(c);
	c->on_done(c);
}

static const struct client_ops h2_client_ops = {
	.interim = h2_interim,
	.answer = h2_answer,
	.reply = h2_reply,
	.body = h2_body,
	.can_drain = h2_can_drain,
	.is_blocked = h2_is_blocked,
	.end_answer = nothing,
	.want = h2_want,
	.is_wanted = h2_is_wanted,
	.watch_end = nothing,
	.local = h2_local,
	.tls = h2_tls,
	.steal = h2_steal,
	.done = h2_done,
};

/* ---- fields ---- */

void h2_client_on_block(struct h2_session *s, void *stream)
{
	struct h2_client *c = stream;
	struct http_head *head = &c->ex.rq.head;
	bool is_trailers = c->has_head;
	(void)s;
	h2_fields_begin(&c->reading, is_trailers ? H2_TRAILERS : H2_REQUEST, head,
			is_trailers ? &c->ex.body.trailers : &c->head);
	if (!buf_hold(c->reading.to))
		h2_fields_refuse(&c->reading, 503, "out of buffers");
}

/* A head that outgrows its small block. */
static bool move_to_large(struct h2_client *c)
{
	struct buf larger;
	if (c->reading.to != &c->head || c->head.slab == c->large_heads)
		return false;
	buf_init(&larger, c->large_heads);
	if (!buf_hold(&larger))
		return false;
	if (buf_len(&c->head) > 0)
		(void)buf_append(&larger, buf_head(&c->head), buf_len(&c->head));
	buf_drop(&c->head);
	c->head = larger;
	return true;
}

void h2_client_on_field(struct h2_session *s, void *stream, struct str name, struct str value)
{
	struct h2_client *c = stream;
	size_t n = h2_fields_room(&c->reading, name, value);
	(void)s;
	if (n > buf_room(c->reading.to) && (!move_to_large(c) || n > buf_room(c->reading.to)))
		h2_fields_refuse(&c->reading, 431, "header too large");
	h2_fields_add(&c->reading, name, value);
}

void h2_client_on_block_end(struct h2_session *s, void *stream, bool is_last)
{
	struct h2_client *c = stream;
	enum h2_fields_result result = h2_fields_end(&c->reading, is_last);
	(void)s;
	if (result == H2_FIELDS_MALFORMED && c->fault == NULL)
		c->fault = c->reading.fault;
	if (c->reading.block == H2_REQUEST) {
		c->result = (uint8_t)result;
		c->has_head = true;
		c->has_ended = is_last;
		note(c, NOTE_HEAD);
		return;
	}
	note_end(c);
	note(c, NOTE_BODY);
}

void h2_client_on_close(struct h2_session *s, void *stream, uint32_t code)
{
	struct h2_client *c = stream;
	(void)s;
	(void)code;
	c->is_known = false;
	if (c->answer != H2_ANSWERED || !c->has_ended)
		note(c, NOTE_LEFT);
}

/* ---- what follows ---- */

static void unnote(struct h2_client *c)
{
	c->notes = 0;
	list_remove(&c->noted);
}

static void refuse(struct h2_client *c)
{
	struct http_head *head = &c->ex.rq.head;
	c->is_started = true;
	if (head->refusal.status == 0)
		head->refusal = (struct http_refusal){ .status = 400, .reason = c->fault };
	exchange_refuse(&c->ex);
}

static void start(struct h2_client *c)
{
	struct exchange *ex = &c->ex;
	const struct http_head *head = &ex->rq.head;
	struct body *body = &ex->body;
	if (c->result != H2_FIELDS_WHOLE) {
		refuse(c);
		return;
	}
	if (c->reading.priority.is_given && c->reading.block == H2_REQUEST)
		h2_session_prioritize(session_of(c), c->id, c->reading.priority.urgency,
				      c->reading.priority.is_incremental);
	c->is_started = true;
	c->client.keep = true;
	body->form = head->framing == FRAMING_UNTIL_CLOSE ? BODY_PLAIN : BODY_SIZED;
	body->is_complete = c->has_ended && c->queue.bytes == 0;
	body_begin(body, head->bytes, 0);
	exchange_start(ex, c->fault);
}

static void leave(struct h2_client *c, const char *reason)
{
	if (!c->is_started) {
		close_stream(c);
		c->on_done(c);
		return;
	}
	exchange_client_left(&c->ex, reason);
	exchange_settle(&c->ex);
}

void h2_client_step(struct h2_client *c)
{
	struct exchange *ex = &c->ex;
	unsigned notes = c->notes;
	unnote(c);
	if ((notes & NOTE_LEFT) != 0) {
		leave(c, "client left");
		return;
	}
	if ((notes & NOTE_HEAD) != 0) {
		start(c);
		return;
	}
	if ((notes & NOTE_WRITABLE) != 0)
		exchange_writable(ex);
	if ((notes & NOTE_BODY) != 0 && !exchange_is_over(ex)) {
		move_queued(c);
		exchange_body_came(ex, c->fault);
		open_window(c);
	}
	exchange_settle(ex);
}

void h2_client_is_late(struct h2_client *c)
{
	c->ex.rq.head.refusal =
		(struct http_refusal){ .status = 408,
				       .reason = "the request head did not come in time" };
	refuse(c);
}

void h2_client_leave(struct h2_client *c, const char *reason)
{
	unnote(c);
	leave(c, reason);
}

void h2_client_cut(struct h2_client *c, const char *reason)
{
	unnote(c);
	if (c->is_started) {
		exchange_cut(&c->ex, reason);
		return;
	}
	close_stream(c);
	c->on_done(c);
}

void h2_client_init(struct h2_client *c, const struct h2_origin *from, int32_t id)
{
	struct exchange_origin origin = {
		.plane = from->service->plane,
		.service = from->service,
		.client = &c->client,
		.block = &c->head,
		.peer = from->peer,
		.fields = c->fields,
	};
	c->client = (struct client){ .ops = &h2_client_ops, .form = CLIENT_FRAMED };
	c->link = from->link;
	c->memory = from->memory;
	c->on_done = from->on_done;
	c->owner = from->owner;
	c->large_heads = from->large_heads;
	list_init(&c->node);
	list_init(&c->noted);
	c->id = id;
	c->notes = 0;
	c->is_known = true;
	c->is_started = c->has_head = c->has_ended = c->is_blocked = false;
	c->fault = NULL;
	c->came = c->opened = 0;
	c->result = H2_FIELDS_MALFORMED;
	c->queue = (struct h2_queue){ .first = NULL };
	c->answer = H2_UNANSWERED;
	c->sending = NULL;
	buf_init(&c->head, &c->memory->small_heads);
	buf_init(&c->kept, &origin.plane->answers);
	exchange_init(&c->ex, &origin);
	c->ex.rq.h2_stream = id;
	c->ex.rq.view.outer_tls = from->outer_tls;
	c->ex.rq.view.secure = from->is_secure;
	c->ex.rq.connection = c->ex.rq.view.connection = from->link->stream;
}

void h2_client_end(struct h2_client *c)
{
	list_remove(&c->node);
	list_remove(&c->noted);
	buf_drop(&c->ex.body.buf);
	buf_drop(&c->ex.body.trailers);
	buf_drop(&c->head);
	buf_drop(&c->kept);
	h2_queue_drop(&c->queue, &c->memory->pieces);
}
