#include "proxy/h1_client.h"

#include "net/tls_stream.h"

static struct h1_client *of_client(const struct client *c)
{
	return container_of(c, struct h1_client, client);
}

/* ---- the answer ---- */

static int gather(const struct client_body *b, struct iovec iov[2])
{
	int n = 0;
	if (b->buf != NULL && buf_len(b->buf) > 0)
		iov[n++] = (struct iovec){ buf_head(b->buf), buf_len(b->buf) };
	if (b->text_n > 0)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)b->text, b->text_n };
	return n;
}

static void note_taken(struct client_body *b, size_t took)
{
	b->sent += took;
	if (b->buf != NULL) {
		size_t part = took < buf_len(b->buf) ? took : buf_len(b->buf);
		buf_consume(b->buf, part);
		took -= part;
	}
	if (took > 0) {
		b->text += took;
		b->text_n -= (uint32_t)took;
	}
}

static size_t in_pipe(const struct client_body *b)
{
	return b->pipe != NULL ? b->pipe->held : 0;
}

static size_t waiting(const struct h1_client *c, const struct client_body *b)
{
	size_t in_buf = b->buf != NULL ? buf_len(b->buf) : 0;
	return outbox_len(&c->out) + in_buf + b->text_n + in_pipe(b);
}

static enum client_sent settle(struct h1_client *c, size_t left)
{
	stream_watch_write(c->stream, left > 0);
	return left > 0 ? CLIENT_BLOCKED : CLIENT_TOOK_ALL;
}

/* The connection ends with what is in memory now, so its end may go out with the last bytes. */
static int flags_for(const struct h1_client *c, const struct client_body *b)
{
	return b->is_last && !c->client.keep && in_pipe(b) == 0 ? STREAM_MORE : 0;
}

/* One writev of what waits, in its order. What is in memory is older than what is in the pipe. */
static enum client_sent h1_answer(struct client *client, struct str head, struct client_body *b)
{
	struct h1_client *c = of_client(client);
	struct iovec pieces[2] = { { NULL, 0 } };
	size_t took = 0;
	int n = gather(b, pieces);
	bool is_piped = unlikely(b->pipe != NULL) && n == 0 && head.n == 0 &&
			outbox_len(&c->out) == 0 && b->pipe->held > 0;
	ssize_t wrote =
		is_piped ? stream_drain_pipe(c->stream, b->pipe)
			 : outbox_send(&c->out, c->stream, head, pieces, n, flags_for(c, b), &took);
	if (wrote == IO_ERROR)
		return CLIENT_GONE;
	if (is_piped)
		b->sent += wrote > 0 ? (uint64_t)wrote : 0;
	else if (n > 0)
		note_taken(b, took);
	return settle(c, waiting(c, b));
}

static enum client_sent h1_body(struct client *client, struct client_body *b)
{
	return h1_answer(client, (struct str){ NULL, 0 }, b);
}

static enum client_sent h1_interim(struct client *client, struct str head)
{
	struct client_body none = { 0 };
	return h1_answer(client, head, &none);
}

static enum client_sent h1_reply(struct client *client, struct str head, struct str text)
{
	struct h1_client *c = of_client(client);
	struct client_body body = { .text = text.p, .text_n = (uint32_t)text.n, .is_last = true };
	enum client_sent sent = h1_answer(client, head, &body);
	if (sent == CLIENT_BLOCKED && !buf_append(&c->out.rest, body.text, body.text_n))
		return CLIENT_GONE;
	return sent;
}

static bool h1_can_drain(const struct client *client)
{
	const struct h1_client *c = of_client(client);
	return outbox_len(&c->out) == 0 && stream_can_drain(c->stream);
}

static bool h1_is_blocked(const struct client *client)
{
	return stream_watches_write(of_client(client)->stream);
}

static void h1_end_answer(struct client *client)
{
	if (!client->keep)
		stream_shutdown_write(of_client(client)->stream);
}

/* ---- what else the exchange asks for ---- */

static void h1_want(struct client *client, bool more)
{
	stream_watch_read(of_client(client)->stream, more);
}

static bool h1_is_wanted(const struct client *client)
{
	return stream_watches_read(of_client(client)->stream);
}

/* The client is read, as far as there is room for what it sends. */
static void h1_watch_end(struct client *client)
{
	struct h1_client *c = of_client(client);
	if (c->ex.body.surplus == 0 && buf_room(c->in) > 0)
		stream_watch_read(c->stream, true);
}

static void h1_local(const struct client *client, struct peer *to)
{
	stream_local(of_client(client)->stream, to);
}

static bool h1_tls(const struct client *client, struct tls_facts *to)
{
	return tls_stream_facts(of_client(client)->stream, to);
}

static struct stream *h1_steal(struct client *client, struct str head, struct outbox **unsent)
{
	struct h1_client *c = of_client(client);
	*unsent = &c->out;
	return buf_append(&c->out.rest, head.p, head.n) ? c->stream : NULL;
}

static void h1_done(struct client *client)
{
	struct h1_client *c = of_client(client);
	c->on_done(c);
}

static const struct client_ops h1_client_ops = {
	.interim = h1_interim,
	.answer = h1_answer,
	.reply = h1_reply,
	.body = h1_body,
	.can_drain = h1_can_drain,
	.is_blocked = h1_is_blocked,
	.end_answer = h1_end_answer,
	.want = h1_want,
	.is_wanted = h1_is_wanted,
	.watch_end = h1_watch_end,
	.local = h1_local,
	.tls = h1_tls,
	.steal = h1_steal,
	.done = h1_done,
};

/* ---- reading ---- */

/* What of n bytes is the body's; the rest is the next request's. NULL, or what is wrong in it. */
static const char *feed(struct h1_client *c, const char *p, size_t n, size_t *used)
{
	struct body *body = &c->ex.body;
	enum h1_body_result r = h1_body_feed(&c->body, p, n, used);
	body->payload = c->body.payload;
	body->is_complete = c->body.done;
	return r == BODY_OK ? NULL : c->body.chunk.reason;
}

static uint64_t left(const struct h1_client *c)
{
	return c->body.framing == FRAMING_LENGTH ? c->body.left : 0;
}

static void client_left(struct h1_client *c)
{
	exchange_client_left(&c->ex, "client left while sending its body");
}

static void splice_body(struct h1_client *c)
{
	struct body *body = &c->ex.body;
	ssize_t n = stream_fill_pipe(c->stream, body->pipe, c->body.left);
	if (n == IO_AGAIN)
		return;
	if (n <= 0) {
		client_left(c);
		return;
	}
	h1_body_skip(&c->body, (uint64_t)n);
	body->payload = c->body.payload;
	body->is_complete = c->body.done;
	exchange_pipe_came(&c->ex);
	if (body->pipe->held > 0)
		stream_watch_read(c->stream, false);
}

static void body_came(struct h1_client *c, size_t n)
{
	struct body *body = &c->ex.body;
	char *p = buf_tail(&body->buf);
	size_t used = 0;
	buf_added(&body->buf, n);
	const char *fault = feed(c, p, n, &used);
	body->surplus = fault == NULL ? (uint32_t)(n - used) : 0;
	if (body->surplus > 0)
		stream_watch_read(c->stream, false); /* what follows must come after it */
	exchange_body_came(&c->ex, fault);
}

static void read_body(struct h1_client *c)
{
	struct body *body = &c->ex.body;
	bool is_large = body->pipe != NULL || left(c) >= PLANE_SPLICE_BYTES;
	if (unlikely(is_large) && stream_can_fill(c->stream) &&
	    exchange_may_splice(&c->ex, left(c))) {
		splice_body(c);
		return;
	}
	size_t room = exchange_body_room(&c->ex);
	if (room == 0) {
		stream_watch_read(c->stream, false);
		return;
	}
	if (c->body.framing == FRAMING_LENGTH && c->body.left < room)
		room = (size_t)c->body.left;
	ssize_t n = stream_read(c->stream, buf_tail(&body->buf), room);
	if (n > 0)
		body_came(c, (size_t)n);
	else if (n != IO_AGAIN)
		client_left(c);
}

/* Bytes of a next request, or the client's end, while this one is under way. */
static void read_ahead(struct h1_client *c)
{
	size_t room = buf_room(c->in);
	if (room == 0) {
		stream_watch_read(c->stream, false);
		return;
	}
	ssize_t n = stream_read(c->stream, buf_tail(c->in), room);
	if (n == IO_AGAIN)
		return;
	if (n > 0)
		buf_added(c->in, (size_t)n);
	else
		exchange_client_ended(&c->ex, n == IO_EOF ? EXCHANGE_CLIENT_CLOSED
							  : EXCHANGE_CLIENT_FAILED);
	/*
	 * Enough to do: the client is read again when this is used up, at two system calls instead
	 * of one a request. But a client in a queue may leave, so it is read on.
	 */
	if (n <= 0 || !exchange_is_queued(&c->ex))
		stream_watch_read(c->stream, false);
}

void h1_client_ready(struct h1_client *c, int events)
{
	struct exchange *ex = &c->ex;
	if (unlikely(exchange_is_tunnel(ex))) {
		exchange_tunnel_ready(ex, events);
		exchange_settle(ex);
		return;
	}
	if ((events & STREAM_WRITABLE) != 0)
		exchange_writable(ex);
	if ((events & STREAM_READABLE) != 0 && !exchange_is_over(ex)) {
		if (exchange_is_whole(ex))
			read_ahead(c);
		else
			read_body(c);
	}
	exchange_settle(ex);
}

bool h1_client_attend(struct h1_client *c)
{
	struct exchange *ex = &c->ex;
	if (exchange_is_tunnel(ex) || !exchange_is_whole(ex))
		return false;
	if (ex->rq.service->conf->half_close && stream_has_ended(c->stream))
		return false; /* it said its last, and waits for its answers */
	if (ex->body.surplus == 0 && buf_room(c->in) > 0) {
		stream_watch_read(c->stream, true);
		return false;
	}
	/* What it has pipelined fills our memory: no more of it is read, so its end is not. */
	if (!stream_has_ended(c->stream))
		return true;
	exchange_client_left(ex, "client left");
	exchange_settle(ex);
	return false;
}

/* ---- life ---- */

void h1_client_init(struct h1_client *c, const struct h1_origin *from)
{
	struct exchange_origin origin = {
		.plane = from->service->plane,
		.service = from->service,
		.client = &c->client,
		.block = from->in,
		.peer = from->peer,
		.fields = c->fields,
	};
	c->client = (struct client){ .ops = &h1_client_ops };
	c->stream = from->stream;
	c->in = from->in;
	c->on_done = from->on_done;
	c->owner = from->owner;
	outbox_init(&c->out, &origin.plane->answers);
	exchange_init(&c->ex, &origin);
	c->ex.rq.view.outer_tls = from->outer_tls;
	c->ex.rq.view.secure = from->is_secure;
	c->ex.rq.connection = c->ex.rq.view.connection = from->stream;
}

void h1_client_start(struct h1_client *c, bool keep)
{
	const struct http_head *head = &c->ex.rq.head;
	struct body *body = &c->ex.body;
	size_t n = buf_len(c->in) - head->bytes, used = 0;
	const char *fault = NULL;
	c->client.keep = keep;
	c->client.form = head->minor == 0 ? CLIENT_DECODED : CLIENT_CODED;
	h1_body_init(&c->body, head);
	body->form = head->framing == FRAMING_CHUNKED ? BODY_CODED : BODY_SIZED;
	body->is_complete = c->body.done;
	if (!c->body.done && n > 0)
		fault = feed(c, buf_head(c->in) + head->bytes, n, &used);
	body_begin(body, head->bytes, fault == NULL ? (uint32_t)used : 0);
	exchange_start(&c->ex, fault);
}

void h1_client_refuse(struct h1_client *c)
{
	exchange_refuse(&c->ex);
}

bool h1_client_has_rest(const struct h1_client *c)
{
	const struct exchange *ex = &c->ex;
	return ex->body.surplus > 0 || buf_len(c->in) > ex->rq.head.bytes + ex->body.early;
}

void h1_client_end(struct h1_client *c, enum h1_rest rest)
{
	struct body *body = &c->ex.body;
	if (rest == H1_REST_KEEP) {
		buf_consume(c->in, c->ex.rq.head.bytes + body->early);
		if (body->surplus > 0) {
			buf_drop(c->in);
			body->buf.start = body->buf.end - body->surplus;
			buf_move(c->in, &body->buf);
		}
	}
	buf_drop(&body->buf);
	outbox_drop(&c->out);
}
