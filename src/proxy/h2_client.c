#include "proxy/h2_client.h"

#include "net/tls_stream.h"
#include "proxy/h2_linger.h"
#include "proxy/h2_sender.h"

static void nothing(struct client *client)
{
	(void)client;
}

/* ---- the request's body ---- */

/*
 * The backend has taken a whole window, and nothing waits: a larger one lets the client send without
 * waiting for us.
 */
static void grow_window(struct h2_client *c)
{
	uint32_t most = c->ex.rq.service->conf->limits.stream_window;
	if (c->opened - c->grown_at < c->window || c->queue.bytes > 0 || c->window >= most)
		return;
	c->grown_at = c->opened;
	c->window = c->window < most / 2 ? 2 * c->window : most;
	h2_session_grow(h2_stream_session(c), c->id, c->window);
}

/* What went on to the backend may come again. */
static void open_window(struct h2_client *c)
{
	uint64_t gone = c->came - c->queue.bytes - body_pending(&c->ex.body);
	if (!c->is_known || gone <= c->opened)
		return;
	h2_session_took(h2_stream_session(c), c->id, (size_t)(gone - c->opened));
	c->opened = gone;
	grow_window(c);
	h2_link_stir(c->link);
}

static void h2_want(struct client *client, bool more)
{
	struct h2_client *c = h2_stream_of(client);
	if (!more)
		return;
	open_window(c);
	if (c->queue.bytes == 0)
		return;
	h2_stream_note(c, H2_NOTE_BODY);
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
	bool is_awaited =
		!h2_linger_is_on(c); /* a client that was answered may leave out the rest */
	if (is_awaited && head->framing == FRAMING_LENGTH && c->came != head->length &&
	    c->fault == NULL)
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
	if (unlikely(c->is_connect)) {
		if (!h2_queue_add(&c->queue, &c->memory->pieces, p, n))
			c->fault = "out of buffers";
		h2_stream_note_tunnel(c);
		return;
	}
	h2_stream_note(c, H2_NOTE_BODY);
	if (unlikely(h2_linger_is_on(c))) {
		h2_linger_drop(c, n);
		return;
	}
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
	if (unlikely(c->is_connect))
		h2_stream_note_tunnel(c);
	else
		h2_stream_note(c, H2_NOTE_BODY);
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
	stream_local(h2_stream_of(client)->link->stream, to);
}

static bool h2_tls(const struct client *client, struct tls_facts *to)
{
	return tls_stream_facts(h2_stream_of(client)->link->stream, to);
}

static void on_tunnel(struct h2_tunnel *t)
{
	struct h2_client *c = container_of(t, struct h2_client, tunnel);
	h2_stream_note_tunnel(c);
	h2_link_stir(c->link);
}

static void open_tunnel(struct h2_client *c)
{
	struct h2_tunnel_origin origin = { .link = c->link,
					   .id = c->id,
					   .in = &c->queue,
					   .pieces = &c->memory->pieces,
					   .outs = c->kept.slab,
					   .on_stir = on_tunnel };
	h2_tunnel_open(&c->tunnel, &origin);
	c->sending = &c->tunnel.out;
	on_tunnel(&c->tunnel);
}

/* RFC 8441 §5: what 101 is in HTTP/1.1 is a 200 here. */
static struct stream *h2_steal(struct client *client, struct str head, struct outbox **unsent)
{
	struct h2_client *c = h2_stream_of(client);
	struct h2_lines l;
	*unsent = NULL;
	if (!c->is_connect || !c->is_known || !h2_sender_read_head(c, head, &l))
		return NULL;
	l.fields[0].value = (uint8_t *)(uintptr_t) "200";
	if (!h2_session_answer(h2_stream_session(c), c->id, &l, true))
		return NULL;
	c->answer = H2_ANSWERS;
	open_tunnel(c);
	return &c->tunnel.stream;
}

/* RFC 9113 §8.1: after an answer that is whole, and time to read it, no more of the request is wanted. */
static void close_stream(struct h2_client *c)
{
	if (!c->is_known)
		return;
	c->is_known = false;
	if (c->fault != NULL)
		h2_session_reset(h2_stream_session(c), c->id, H2_PROTOCOL_ERROR);
	else if (c->answer != H2_ANSWERED)
		h2_session_reset(h2_stream_session(c), c->id, H2_INTERNAL_ERROR);
	else if (!c->has_ended)
		h2_session_reset(h2_stream_session(c), c->id, H2_NO_ERROR);
	h2_session_forget(h2_stream_session(c), c->id);
	h2_link_stir(c->link);
}

/* Nothing is left but to free it. */
static void end(struct h2_client *c)
{
	h2_tunnel_close(&c->tunnel);
	close_stream(c);
	c->on_done(c);
}

/* The client takes nothing of what a tunnel had to say last. */
static void on_last_due(struct timer *timer)
{
	end(container_of(timer, struct h2_client, ex.rq.timer));
}

static bool is_told(const struct h2_client *c)
{
	return !c->is_known || (c->answer == H2_ANSWERED && h2_sender_waiting(&c->tunnel.out) == 0);
}

/* Both sides of a tunnel have ended well: the client is told so, when its window allows. */
static bool tells_end(struct h2_client *c)
{
	struct request *rq = &c->ex.rq;
	if (request_is_broken(rq))
		return false;
	stream_shutdown_write(&c->tunnel.stream);
	if (is_told(c))
		return false;
	c->is_over = true;
	timer_init(&rq->timer, on_last_due);
	timer_start(&rq->timer, rq->service->client_body);
	return true;
}

static void on_linger_due(struct timer *timer)
{
	end(container_of(timer, struct h2_client, ex.rq.timer));
}

static void h2_done(struct client *client)
{
	struct h2_client *c = h2_stream_of(client);
	if (unlikely(h2_linger_is_due(c)))
		h2_linger_begin(c, on_linger_due);
	else if (likely(!h2_tunnel_is_open(&c->tunnel)) || !tells_end(c))
		end(c);
}

static const struct client_ops h2_client_ops = {
	.interim = h2_sender_interim,
	.answer = h2_sender_answer,
	.reply = h2_sender_reply,
	.body = h2_sender_body,
	.room = h2_sender_room,
	.can_drain = h2_sender_can_drain,
	.is_blocked = h2_sender_is_blocked,
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
	return c->reading.to == &c->head && c->head.slab != c->large_heads &&
	       buf_change(&c->head, c->large_heads) && buf_hold(&c->head);
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
	if (unlikely(c->is_connect)) { /* a tunnel has DATA alone (RFC 9113 §8.5) */
		h2_session_reset(s, c->id, H2_PROTOCOL_ERROR);
		return;
	}
	if (result == H2_FIELDS_MALFORMED && c->fault == NULL)
		c->fault = c->reading.fault;
	if (c->reading.block == H2_REQUEST) {
		c->result = (uint8_t)result;
		c->is_connect = result == H2_FIELDS_WHOLE && h2_fields_has_protocol(&c->reading);
		c->has_head = true;
		c->has_ended = is_last;
		h2_stream_note(c, H2_NOTE_HEAD);
		return;
	}
	note_end(c);
	h2_stream_note(c, H2_NOTE_BODY);
}

void h2_client_on_close(struct h2_session *s, void *stream, uint32_t code)
{
	struct h2_client *c = stream;
	(void)s;
	(void)code;
	c->is_known = false;
	if (unlikely(h2_tunnel_is_open(&c->tunnel)))
		h2_stream_note_tunnel(c);
	else if (c->answer != H2_ANSWERED || !h2_sender_is_taken(c) || !c->has_ended)
		h2_stream_note(c, H2_NOTE_LEFT);
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
		h2_session_prioritize(h2_stream_session(c), c->id, c->reading.priority.urgency,
				      c->reading.priority.is_incremental);
	c->is_started = true;
	c->client.keep = true;
	body->form = head->framing == FRAMING_UNTIL_CLOSE ? BODY_PLAIN : BODY_SIZED;
	body->is_complete = c->is_connect || (c->has_ended && c->queue.bytes == 0);
	body_begin(body, head->bytes, 0);
	exchange_start(ex, c->fault);
}

static void leave(struct h2_client *c, const char *reason)
{
	if (!c->is_started || c->is_over) {
		end(c);
		return;
	}
	exchange_client_left(&c->ex, reason);
	exchange_settle(&c->ex);
}

static void step_tunnel(struct h2_client *c)
{
	int events = h2_tunnel_events(&c->tunnel);
	if (unlikely(c->is_over)) {
		if (is_told(c))
			end(c);
		return;
	}
	if (events == 0)
		return;
	exchange_tunnel_ready(&c->ex, events);
	if (!exchange_is_over(&c->ex) && h2_tunnel_events(&c->tunnel) != 0)
		on_tunnel(&c->tunnel); /* an end is told until nobody watches for it */
	exchange_settle(&c->ex);
}

void h2_client_step(struct h2_client *c)
{
	struct exchange *ex = &c->ex;
	unsigned notes = c->notes;
	unnote(c);
	if (unlikely(h2_linger_is_on(c))) {
		if ((notes & H2_NOTE_LEFT) != 0 || h2_linger_is_enough(c))
			end(c);
		return;
	}
	if (unlikely((notes & H2_NOTE_TUNNEL) != 0)) {
		step_tunnel(c);
		return;
	}
	if ((notes & H2_NOTE_LEFT) != 0) {
		leave(c, "client left");
		return;
	}
	if ((notes & H2_NOTE_HEAD) != 0) {
		start(c);
		return;
	}
	if ((notes & H2_NOTE_WRITABLE) != 0)
		exchange_writable(ex);
	if ((notes & H2_NOTE_BODY) != 0 && !exchange_is_over(ex)) {
		move_queued(c);
		exchange_body_came(ex, c->fault);
		open_window(c);
		if (c->queue.bytes > 0 && body_unsent(&ex->body) == 0)
			h2_stream_note(c, H2_NOTE_BODY); /* all went at once: there is room again */
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
	if (c->is_started && !c->is_over)
		exchange_cut(&c->ex, reason);
	else
		end(c);
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
	c->came = c->opened = c->grown_at = 0;
	c->window = H2_STREAM_WINDOW;
	c->is_connect = c->is_over = false;
	c->dropped = 0;
	c->tunnel.link = NULL;
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
	timer_stop(&c->ex.rq.timer);
	buf_drop(&c->ex.body.buf);
	buf_drop(&c->ex.body.trailers);
	buf_drop(&c->head);
	buf_drop(&c->kept);
	h2_queue_drop(&c->queue, &c->memory->pieces);
}
