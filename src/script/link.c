#include "script/link.h"

#include <stdlib.h>

/* What all of a process share. */
struct link_shared {
	struct h2_shared h2;
	struct slab blocks;
};

enum {
	READ_BYTES = 16 * 1024,
	READS_MAX = 4, /* in one turn of the loop */
	FIELDS_MAX = 1024,
	CONNECTION_WINDOW = 16 * 1024 * 1024,
};

static const struct h2_setup setup = {
	.stream_window = LINK_WINDOW,
	.connection_window = CONNECTION_WINDOW,
	.header_bytes = LINK_HEAD_MAX,
};

static struct link *of(struct h2_session *s)
{
	return container_of(s, struct link, session);
}

/* ---- its calls ---- */

static void forget_call(struct link *l, struct link_call *c)
{
	list_remove(&c->node);
	l->calls_n--;
	c->link = NULL;
	c->id = 0;
	if (c->stream == NULL)
		link_call_destroy(c);
}

static void fail(struct link *l, const char *why)
{
	if (l->failure != NULL)
		return;
	l->failure = why;
	struct list *node;
	while ((node = list_first(&l->calls)) != NULL) {
		struct link_call *c = container_of(node, struct link_call, node);
		link_call_fail(c, why);
		forget_call(l, c);
	}
	loop_defer(l->io->loop, &l->later);
}

/* ---- what the session tells ---- */

static void *on_stream(struct h2_session *s, int32_t id)
{
	(void)s, (void)id;
	return NULL;
}

/* What the server did wrong on a stream ends that. */
static void look_at_failure(struct h2_session *s, struct link_call *c)
{
	if (c->failure != NULL && c->id != 0)
		h2_session_reset(s, c->id, H2_PROTOCOL_ERROR);
}

static void on_block(struct h2_session *s, void *stream)
{
	link_block_begin(&of(s)->block, stream);
}

static void on_field(struct h2_session *s, void *stream, struct str name, struct str value)
{
	link_block_field(&of(s)->block, stream, name, value);
}

static void on_block_end(struct h2_session *s, void *stream, bool is_last)
{
	link_block_end(&of(s)->block, stream, is_last);
	if (is_last)
		link_call_end(stream);
	look_at_failure(s, stream);
}

static void on_data(struct h2_session *s, void *stream, const char *p, size_t n)
{
	struct link_call *c = stream;
	if (c->stream == NULL || c->failure != NULL)
		return; /* a reset is on its way */
	link_call_data(c, p, n);
	look_at_failure(s, c);
}

static void on_end(struct h2_session *s, void *stream)
{
	link_call_end(stream);
	look_at_failure(s, stream);
}

static const char *words_of(uint32_t code)
{
	switch (code) {
	case H2_NO_ERROR:
		return "the server ended the stream before its answer was whole";
	case H2_REFUSED_STREAM:
		return link_refused;
	case H2_HTTP_1_1_REQUIRED:
		return "the server wants HTTP/1.1 for this request (http2 = false)";
	default:
		return "the server reset the stream";
	}
}

static void on_close(struct h2_session *s, void *stream, uint32_t code)
{
	struct link_call *c = stream;
	link_call_fail(c, words_of(code));
	forget_call(of(s), c);
}

static size_t on_ask(struct h2_session *s, void *stream, size_t max, enum h2_more *more)
{
	(void)s;
	return link_call_ask(stream, max, more);
}

static void on_take(struct h2_session *s, void *stream, char *to, size_t n)
{
	(void)s;
	link_call_take(stream, to, n);
}

static void on_goaway(struct h2_session *s, int32_t last_id, uint32_t code)
{
	(void)last_id; /* the calls above it end as refused */
	(void)code;
	of(s)->is_leaving = true;
}

static void on_nothing(struct h2_session *s)
{
	(void)s;
}

static void on_settings(struct h2_session *s)
{
	of(s)->has_greeted = true;
}

static const struct h2_events events = {
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
	.on_pong = on_nothing,
};

/* ---- writing ---- */

static void drop_out(struct link *l)
{
	free(l->out);
	l->out = NULL;
	l->out_at = l->out_n = 0;
}

/* What goes out next; false: nothing does. */
static bool gather(struct link *l)
{
	if (l->out_at < l->out_n)
		return true;
	if (l->out == NULL)
		l->out = malloc(H2_GATHER_MIN);
	if (l->out == NULL)
		return false;
	l->out_at = 0;
	l->out_n = h2_session_gather(&l->session, l->out, H2_GATHER_MIN);
	return l->out_n > 0;
}

static void flush(struct link *l)
{
	struct stream *s = &l->conn->stream;
	while (l->failure == NULL && gather(l)) {
		struct iovec piece = { l->out + l->out_at, l->out_n - l->out_at };
		ssize_t n = stream_writev(s, &piece, 1, 0);
		if (n == IO_AGAIN) {
			stream_watch_write(s, true);
			return;
		}
		if (n < 0) {
			fail(l, stream_failure(s).words);
			return;
		}
		l->out_at += (size_t)n;
	}
	stream_watch_write(s, false);
	drop_out(l);
}

void link_send_later(struct link *l)
{
	loop_defer(l->io->loop, &l->later);
}

/* ---- its end ---- */

static void destroy(struct link *l)
{
	loop_defer_cancel(&l->later);
	list_remove(&l->node);
	l->io->links_n--;
	h2_session_close(&l->session);
	link_block_fini(&l->block);
	drop_out(l);
	conn_destroy(l->conn);
	free(l);
}

/* The server need not guess why it ends. */
static void leave(struct link *l)
{
	if (l->failure != NULL)
		return;
	h2_session_end(&l->session);
	flush(l);
	fail(l, "closed");
}

static void idle_cb(struct ev_loop *ev, ev_timer *t, int revents)
{
	(void)ev, (void)revents;
	leave(container_of(t, struct conn, idle)->owner);
}

static const char *what_ended(const struct link *l)
{
	if (!l->has_greeted)
		return "the server does not speak HTTP/2";
	return l->session.fault != H2_NO_ERROR ? h2_code_words(l->session.fault)
					       : "the server ended the connection";
}

/* What is on the stack is over; l may be gone on return. */
static void settle(struct link *l)
{
	struct ev_loop *ev = l->io->loop->ev;
	ev_timer *idle = &l->conn->idle;
	flush(l);
	if (l->failure == NULL && h2_session_is_over(&l->session))
		fail(l, what_ended(l));
	if (l->failure == NULL && l->calls_n == 0 && l->is_leaving)
		leave(l);
	if (l->failure != NULL) {
		destroy(l);
	} else if (l->calls_n > 0) {
		ev_timer_stop(ev, idle);
	} else if (!ev_is_active(idle)) {
		ev_timer_set(idle, LINK_IDLE_SECONDS, 0.);
		ev_timer_start(ev, idle);
	}
}

static void run_later(struct deferred *d)
{
	settle(container_of(d, struct link, later));
}

/* ---- reading ---- */

static void take(struct link *l, const char *p, size_t n)
{
	int64_t now_ms = loop_now_ms(l->io->loop);
	l->heard_ms = now_ms;
	enum h2_received received = h2_session_receive(&l->session, p, n, now_ms);
	if (received == H2_GOES_ON)
		return;
	flush(l); /* what it did is said to it */
	fail(l, received == H2_ABUSED ? h2_abuse_words(l->session.abuse.found) : what_ended(l));
}

static void on_link_ready(struct stream *s, int revents)
{
	struct link *l = container_of(s, struct conn, stream)->owner;
	char bytes[READ_BYTES];
	for (int i = 0; (revents & STREAM_READABLE) != 0 && i < READS_MAX; i++) {
		ssize_t n = stream_read(s, bytes, sizeof(bytes));
		if (n > 0)
			take(l, bytes, (size_t)n);
		else if (n != IO_AGAIN)
			fail(l, n == IO_EOF ? "closed" : stream_failure(s).words);
		if (n < READ_BYTES || l->failure != NULL)
			break;
	}
	settle(l);
}

/* ---- its life ---- */

/* Made when the first one is needed. */
static struct link_shared *shared_of(struct io *io)
{
	if (io->link_shared != NULL)
		return io->link_shared;
	struct link_shared *shared = malloc(sizeof(*shared));
	if (shared != NULL && h2_shared_init(&shared->h2, FIELDS_MAX) == ERR_OK) {
		slab_init(&shared->blocks, LINK_BLOCK_BYTES, LINKS_MAX);
		io->link_shared = shared;
	} else {
		free(shared);
	}
	return io->link_shared;
}

static struct link *idle_one(struct io *io)
{
	for (struct list *node = io->links.next; node != &io->links; node = node->next) {
		struct link *l = container_of(node, struct link, node);
		if (l->calls_n == 0 && l->failure == NULL)
			return l;
	}
	return NULL;
}

static bool has_place(struct io *io)
{
	struct link *old = io->links_n < LINKS_MAX ? NULL : idle_one(io);
	if (old != NULL)
		leave(old);
	return io->links_n < LINKS_MAX || old != NULL;
}

static void take_over(struct link *l, struct conn *c, struct str key)
{
	list_remove(&c->node);
	(void)str_copy(c->key, sizeof(c->key), key);
	c->owner = l;
	c->stream.on_ready = on_link_ready;
	stream_watch(&c->stream, STREAM_READABLE);
	ev_timer_init(&c->idle, idle_cb, LINK_IDLE_SECONDS, 0);
	ev_timer_start(l->io->loop->ev, &c->idle);
}

bool link_open(struct conn *c, struct str key)
{
	struct io *io = c->io;
	struct link_shared *shared = shared_of(io);
	struct link *l = shared == NULL || key.n >= CONN_KEY_MAX || !has_place(io)
				 ? NULL
				 : calloc(1, sizeof(*l));
	if (l == NULL)
		return false;
	if (h2_session_open(&l->session, &shared->h2, H2_CLIENT, &setup, &events) != ERR_OK) {
		free(l);
		return false;
	}
	l->io = io;
	l->conn = c;
	l->heard_ms = loop_now_ms(io->loop);
	list_init(&l->calls);
	link_block_init(&l->block, &shared->blocks);
	deferred_init(&l->later, run_later);
	list_append(&io->links, &l->node);
	io->links_n++;
	take_over(l, c, key);
	link_send_later(l);
	return true;
}

static bool takes_calls(const struct link *l)
{
	return l->failure == NULL && !l->is_leaving && l->calls_n < LINK_CALLS_MAX &&
	       h2_session_streams_max(&l->session) > 0;
}

static bool is_sure_to_stand(const struct link *l)
{
	return loop_now_ms(l->io->loop) - l->heard_ms <= LINK_SURE_MS &&
	       !stream_has_ended(&l->conn->stream);
}

struct link *link_find(struct io *io, struct str key, bool is_sure)
{
	for (struct list *node = io->links.prev; node != &io->links; node = node->prev) {
		struct link *l = container_of(node, struct link, node);
		if (takes_calls(l) && str_eq(key, str_of(l->conn->key)) &&
		    (!is_sure || is_sure_to_stand(l)))
			return l;
	}
	return NULL;
}

void link_part(struct link *l, struct link_call *c)
{
	if (c->id == 0) {
		forget_call(l, c);
	} else {
		h2_session_reset(&l->session, c->id, H2_CANCEL);
		if (l->heard_ms < c->begun_ms)
			l->is_leaving = true; /* it may be dead */
	}
	link_send_later(l);
}

void link_close_all(struct io *io)
{
	struct list *node;
	while ((node = list_first(&io->links)) != NULL) {
		struct link *l = container_of(node, struct link, node);
		leave(l);
		destroy(l);
	}
	if (io->link_shared == NULL)
		return;
	h2_shared_fini(&io->link_shared->h2);
	slab_fini(&io->link_shared->blocks);
	free(io->link_shared);
	io->link_shared = NULL;
}
