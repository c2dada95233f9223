#include "upstream/h2_conn.h"

#include <errno.h>
#include <stdlib.h>

#include "net/trim.h"
#include "shm/board_cell.h"

enum {
	READS_MAX = 4,	   /* of one connection in one turn of the loop */
	WRITES_MAX = 16,   /* the same */
	STREAMS_MAX = 256, /* at a time, whatever the backend allows: then another connection */
	LINES_MAX = 2048,  /* fields of a request */
	CONNECTION_WINDOW = 16 * 1024 * 1024,
};

static const char no_h2[] = "the backend does not speak HTTP/2";

/* ---- what connections share ---- */

enum err h2_worker_init(struct h2_worker *w, struct loop *loop, uint32_t max_connections,
			struct error *e)
{
	*w = (struct h2_worker){
		.loop = loop,
		.setup = { .stream_window = H2_FIRST_WINDOW,
			   .connection_window = CONNECTION_WINDOW,
			   .header_bytes = 64 * 1024 },
	};
	trim_slab_init(loop, &w->conns, sizeof(struct h2_conn), max_connections);
	trim_slab_init(loop, &w->blocks, H2_BLOCK_BYTES, UINT32_MAX / H2_BLOCK_BYTES);
	w->input = malloc(H2_INPUT_BYTES);
	if (w->input != NULL && h2_shared_init(&w->shared, LINES_MAX) == ERR_OK) {
		trim_add(loop, &w->shared.arenas);
		return ERR_OK;
	}
	h2_worker_fini(w);
	return err_set(e, ERR_MEMORY, "no memory for HTTP/2 with backends");
}

void h2_worker_fini(struct h2_worker *w)
{
	if (w->input == NULL)
		return;
	h2_shared_fini(&w->shared);
	slab_fini(&w->conns);
	slab_fini(&w->blocks);
	if (w->calls.object_bytes != 0)
		slab_fini(&w->calls);
	free(w->input);
	w->input = NULL;
}

/* ---- writing ---- */

void h2_conn_gather(struct h2_conn *c)
{
	while (!h2_conn_is_gone(c) && c->session.ng != NULL && buf_hold(&c->out)) {
		if (buf_room(&c->out) < H2_GATHER_MIN)
			buf_compact(&c->out);
		if (buf_room(&c->out) < H2_GATHER_MIN)
			return;
		size_t n = h2_session_gather(&c->session, buf_tail(&c->out), buf_room(&c->out));
		if (n == 0)
			return;
		buf_added(&c->out, n);
		c->gathered += n;
	}
}

static bool may_write(const struct h2_conn *c)
{
	return !h2_conn_is_gone(c) && c->session.ng != NULL && c->uconn != NULL;
}

/* ---- its end ---- */

static void set_state(struct h2_conn *c, enum h2_conn_state state)
{
	c->state = (uint8_t)state;
	if (state == H2_CONN_LEAVES || state == H2_CONN_GONE)
		c->owner->on_leave(c);
}

/* Their ends are told; the session forgets them without a word. */
static void end_streams(struct h2_conn *c)
{
	while (!list_is_empty(&c->streams)) {
		struct h2_stream *s = container_of(list_first(&c->streams), struct h2_stream, node);
		c->session.events->on_close(&c->session, s, H2_INTERNAL_ERROR);
	}
}

static void count_end(struct h2_conn *c)
{
	if (c->is_counted)
		board_h2_add(&c->counts->h2_connections, -1);
	c->is_counted = false;
}

void h2_conn_fail(struct h2_conn *c, struct stream_failure why)
{
	if (h2_conn_is_gone(c))
		return;
	c->why = why;
	c->state = H2_CONN_GONE;
	end_streams(c);
	count_end(c);
	h2_session_close(&c->session);
	buf_drop(&c->out);
	if (c->uconn != NULL) {
		stream_watch_read(&c->uconn->stream, false);
		stream_watch_write(&c->uconn->stream, false);
	}
	c->owner->on_leave(c);
}

static void fail_with(struct h2_conn *c, enum stream_failure_kind kind, const char *words)
{
	h2_conn_fail(c, (struct stream_failure){ kind, EPROTO, words });
}

/* The backend need not guess why the connection ends. */
static void say_goodbye(struct h2_conn *c)
{
	if (c->state == H2_CONN_OPEN)
		h2_session_end(&c->session);
	h2_conn_gather(c);
	struct iovec piece = { buf_head(&c->out), buf_len(&c->out) };
	if (piece.iov_len > 0)
		(void)stream_writev(&c->uconn->stream, &piece, 1, 0);
}

void h2_conn_free(struct h2_conn *c)
{
	struct h2_worker *w = c->worker;
	if (may_write(c))
		say_goodbye(c);
	loop_defer_cancel(&c->later);
	end_streams(c);
	count_end(c);
	h2_session_close(&c->session);
	buf_drop(&c->out);
	if (c->uconn != NULL)
		uconn_close(c->uconn);
	slab_put(&w->conns, c);
}

static void write_out(struct h2_conn *c)
{
	struct iovec piece = { buf_head(&c->out), buf_len(&c->out) };
	ssize_t n = stream_writev(&c->uconn->stream, &piece, 1, 0);
	if (n == IO_ERROR) {
		h2_conn_fail(c, stream_failure(&c->uconn->stream));
		return;
	}
	if (n > 0) {
		buf_consume(&c->out, (size_t)n);
		c->written += (uint64_t)n;
	}
	stream_watch_write(&c->uconn->stream, buf_len(&c->out) > 0);
}

/* The session ended, and what it had to say of that is out. Before SETTINGS came it is no HTTP/2. */
static void session_over(struct h2_conn *c)
{
	uint8_t fault = c->session.fault;
	if (c->state == H2_CONN_GREETS)
		fail_with(c, STREAM_FAILURE_PROTOCOL, no_h2);
	else
		fail_with(c, fault != H2_NO_ERROR ? STREAM_FAILURE_PROTOCOL : STREAM_FAILURE_RESET,
			  h2_code_words(fault));
}

/* As much as the connection takes. */
static void flush(struct h2_conn *c)
{
	for (int i = 0; i < WRITES_MAX && may_write(c); i++) {
		h2_conn_gather(c);
		if (buf_len(&c->out) == 0)
			break;
		write_out(c);
		if (may_write(c) && stream_watches_write(&c->uconn->stream))
			return;
	}
	if (may_write(c) && buf_len(&c->out) == 0)
		buf_drop(&c->out);
	if (may_write(c) && h2_session_is_over(&c->session))
		session_over(c);
}

void h2_conn_send_later(struct h2_conn *c)
{
	if (!c->is_busy && !h2_conn_is_gone(c))
		loop_defer(c->worker->loop, &c->later);
}

/* ---- telling ---- */

void h2_conn_tell(struct h2_stream *s, int events)
{
	struct h2_conn *c = s->conn;
	s->events |= (uint8_t)events;
	if (list_is_empty(&s->told))
		list_append(&c->told, &s->told);
	if (!c->is_busy)
		loop_defer(c->worker->loop, &c->later);
}

/* Those that are to be told now; what that brings about is told later. */
static void tell_all(struct h2_conn *c)
{
	struct list batch, *node;
	list_init(&batch);
	while ((node = list_first(&c->told)) != NULL) {
		list_remove(node);
		list_append(&batch, node);
	}
	while ((node = list_first(&batch)) != NULL) {
		struct h2_stream *s = container_of(node, struct h2_stream, told);
		int events = s->events;
		list_remove(node);
		s->events = 0;
		s->on_ready(s, events);
	}
}

/* Can something go out now? */
static bool has_work(const struct h2_conn *c)
{
	return may_write(c) && !stream_watches_write(&c->uconn->stream) &&
	       (buf_len(&c->out) > 0 || h2_session_has_output(&c->session));
}

/* Whatever is on the stack is over: c may be gone on return. */
static void settle(struct h2_conn *c)
{
	tell_all(c);
	flush(c);
	tell_all(c);
	c->is_busy = false;
	if (!list_is_empty(&c->told) || has_work(c))
		loop_defer(c->worker->loop, &c->later);
	if (c->users == 0)
		c->owner->on_unused(c);
}

static void run_later(struct deferred *d)
{
	struct h2_conn *c = container_of(d, struct h2_conn, later);
	c->is_busy = true;
	settle(c);
}

/* ---- reading ---- */

static void on_end(struct h2_conn *c, ssize_t n)
{
	if (n == IO_ERROR)
		h2_conn_fail(c, stream_failure(&c->uconn->stream));
	else
		fail_with(c,
			  c->state == H2_CONN_GREETS ? STREAM_FAILURE_PROTOCOL
						     : STREAM_FAILURE_RESET,
			  c->state == H2_CONN_GREETS ? "closed the connection instead of HTTP/2"
						     : "closed the connection");
}

/* What it did is said to it, if it still reads. */
static void on_fault(struct h2_conn *c, enum h2_received received)
{
	h2_conn_gather(c);
	if (buf_len(&c->out) > 0)
		write_out(c);
	fail_with(c, STREAM_FAILURE_PROTOCOL,
		  received == H2_ABUSED	       ? h2_abuse_words(c->session.abuse.found)
		  : c->state == H2_CONN_GREETS ? no_h2
					       : h2_code_words(c->session.fault));
}

/* Streams are told after each read, so that what came goes on before more comes. */
static bool read_more(struct h2_conn *c, int i)
{
	tell_all(c);
	return i < READS_MAX && !h2_conn_is_gone(c);
}

static void read_some(struct h2_conn *c)
{
	struct h2_worker *w = c->worker;
	struct stream *s = &c->uconn->stream;
	for (int i = 0; read_more(c, i); i++) {
		ssize_t n = stream_read(s, w->input, H2_INPUT_BYTES);
		if (n == IO_AGAIN)
			return;
		if (n <= 0) {
			on_end(c, n);
			return;
		}
		c->heard_us = s->loop->now_us;
		enum h2_received received =
			h2_session_receive(&c->session, w->input, (size_t)n, loop_now_ms(s->loop));
		if (received != H2_GOES_ON) {
			on_fault(c, received);
			return;
		}
		if (c->is_cursed)
			fail_with(c, STREAM_FAILURE_PROTOCOL,
				  "the backend ended the connection with an error (GOAWAY)");
		if (n < H2_INPUT_BYTES)
			return;
	}
}

static void on_stream_ready(struct stream *s, int events)
{
	struct h2_conn *c = container_of(s, struct uconn, stream)->owner;
	c->is_busy = true;
	if ((events & STREAM_READABLE) != 0)
		read_some(c);
	settle(c);
}

/* ---- what the session tells of the connection ---- */

void h2_conn_on_settings(struct h2_conn *c)
{
	bool is_first = c->state == H2_CONN_GREETS;
	if (is_first) {
		uconn_on_answer(c->uconn);
		c->state = H2_CONN_OPEN;
		c->is_counted = true;
		board_h2_add(&c->counts->h2_connections, 1);
		c->owner->on_open(c);
	} else if (c->state == H2_CONN_OPEN) {
		c->owner->on_room(c);
	}
}

void h2_conn_on_goaway(struct h2_conn *c, uint32_t code)
{
	c->is_cursed = code != H2_NO_ERROR;
	if (c->state == H2_CONN_OPEN)
		set_state(c, H2_CONN_LEAVES);
}

void h2_conn_on_pong(struct h2_conn *c)
{
	c->is_probed = false;
	c->owner->on_pong(c);
}

/* ---- life ---- */

struct h2_conn *h2_conn_create(struct h2_worker *w, const struct h2_conn_owner *owner,
			       struct board_cell *counts)
{
	struct h2_conn *c = slab_take(&w->conns);
	if (c == NULL)
		return NULL;
	*c = (struct h2_conn){
		.worker = w, .owner = owner, .counts = counts, .heard_us = w->loop->now_us
	};
	list_init(&c->node);
	list_init(&c->streams);
	list_init(&c->told);
	buf_init(&c->out, &w->blocks);
	deferred_init(&c->later, run_later);
	return c;
}

bool h2_conn_start(struct h2_conn *c, struct uconn *u, const struct h2_events *events)
{
	c->uconn = u;
	u->owner = c;
	u->stream.on_ready = on_stream_ready;
	c->heard_us = u->stream.loop->now_us;
	c->state = H2_CONN_GREETS;
	if (h2_session_open(&c->session, &c->worker->shared, H2_CLIENT, &c->worker->setup,
			    events) != ERR_OK) {
		c->why = (struct stream_failure){ STREAM_FAILURE_SYSTEM, ENOMEM, "" };
		c->state = H2_CONN_GONE;
		return false;
	}
	stream_watch_read(&u->stream, true);
	h2_conn_send_later(c);
	return true;
}

void h2_conn_leave(struct h2_conn *c)
{
	if (c->state != H2_CONN_OPEN)
		return;
	h2_session_end(&c->session);
	h2_conn_send_later(c);
	set_state(c, H2_CONN_LEAVES);
}

void h2_conn_probe(struct h2_conn *c)
{
	c->is_probed = true;
	h2_session_ping(&c->session);
	h2_conn_send_later(c);
}

uint32_t h2_conn_room(const struct h2_conn *c)
{
	if (c->state != H2_CONN_OPEN || c->is_probed)
		return 0;
	uint32_t most = h2_session_streams_max(&c->session);
	most = most < STREAMS_MAX ? most : STREAMS_MAX;
	return c->streams_n < most ? most - c->streams_n : 0;
}

/* ---- streams ---- */

void h2_conn_join(struct h2_conn *c, struct h2_stream *s)
{
	s->conn = c;
	s->id = 0;
	s->events = 0;
	s->starts_at = UINT64_MAX;
	s->heard_at_us = c->heard_us;
	list_init(&s->node);
	list_init(&s->told);
	c->users++;
}

void h2_conn_part(struct h2_stream *s)
{
	struct h2_conn *c = s->conn;
	list_remove(&s->told);
	c->users--;
	if (!c->is_busy && c->users == 0)
		c->owner->on_unused(c);
}

bool h2_conn_begin(struct h2_stream *s, const struct h2_lines *l, bool has_body)
{
	struct h2_conn *c = s->conn;
	if (h2_conn_is_gone(c))
		return false;
	s->id = h2_session_request(&c->session, l, has_body, s);
	if (s->id == 0)
		return false;
	s->starts_at = c->gathered;
	list_append(&c->streams, &s->node);
	c->streams_n++;
	board_h2_add(&c->counts->h2_streams, 1);
	c->uconn->requests++;
	return true;
}

void h2_conn_ended(struct h2_stream *s)
{
	struct h2_conn *c = s->conn;
	s->id = 0;
	if (list_is_empty(&s->node))
		return;
	list_remove(&s->node);
	c->streams_n--;
	board_h2_add(&c->counts->h2_streams, -1);
	if (c->state == H2_CONN_OPEN)
		c->owner->on_room(c);
}
