#include "script/conn.h"

#include <stdlib.h>

enum { BUFFER_START = 4096, HEAD_BYTES_MAX = 65536 };

static void finish(struct conn *c)
{
	stream_watch_read(&c->stream, false);
	stream_watch_write(&c->stream, false);
	co_wake(c->co);
}

static void on_ready(struct stream *s, int events)
{
	struct conn *c = container_of(s, struct conn, stream);
	(void)events; /* the wait says what is wanted */
	if (c->co->wait.conn != c || !c->co->is_waiting) {
		stream_watch_read(s, false);
		stream_watch_write(s, false);
	} else if (conn_step(c)) {
		finish(c);
	}
}

struct conn *conn_create(struct co *co)
{
	unsigned count = 0;
	for (struct list *l = co->wait.conns.next; l != &co->wait.conns; l = l->next)
		count++;
	struct conn *c = count < IO_CONNS_MAX ? calloc(1, sizeof *c) : NULL;
	if (c == NULL)
		return NULL;
	c->co = co;
	c->id = ++co->vm->conn_next;
	stream_init(&c->stream, co->vm->o.loop);
	list_init(&c->node);
	list_append(&co->wait.conns, &c->node);
	co->has_waited = true; /* so that co_put closes it */
	return c;
}

void conn_destroy(struct conn *c)
{
	if (c->is_dialling)
		dial_cancel(&c->dial);
	stream_close(&c->stream);
	if (c->co->wait.conn == c)
		c->co->wait.conn = NULL;
	list_remove(&c->node);
	free(c->answer);
	free(c->bytes);
	free(c);
}

struct conn *conn_find(struct co *co, uint32_t id)
{
	for (struct list *l = co->wait.conns.next; l != &co->wait.conns; l = l->next) {
		struct conn *c = container_of(l, struct conn, node);
		if (c->id == id)
			return c;
	}
	return NULL;
}

static void dialled(struct conn *c, int fd, int sys)
{
	struct wait *w = &c->co->wait;
	c->is_dialling = false;
	if (fd >= 0) {
		stream_open(&c->stream, c->co->vm->o.loop, fd, on_ready);
		return;
	}
	w->failure = sock_err_text(sys);
	c->co->vm->shortages += sock_err_is_shortage(sys);
	conn_destroy(c);
}

static void on_dialled(struct dial *d, int fd)
{
	struct conn *c = container_of(d, struct conn, dial);
	struct co *co = c->co;
	dialled(c, fd, d->sys);
	co_wake(co);
}

bool conn_dial(struct conn *c, const struct addr *addrs, unsigned count)
{
	int fd;
	c->is_dialling = true;
	if (!dial_start(&c->dial, c->co->vm->o.loop, addrs, count, on_dialled, &fd))
		return false;
	dialled(c, fd, c->dial.sys);
	return true;
}

/* What was given out goes from the front of the buffer. */
static void drop_taken(struct conn *c)
{
	if (c->taken == 0)
		return;
	memmove(c->bytes, c->bytes + c->taken, c->n - c->taken);
	c->n -= c->taken;
	c->taken = 0;
}

static bool has_room(struct conn *c)
{
	if (c->n < c->cap)
		return true;
	size_t cap = c->cap == 0 ? BUFFER_START : c->cap * 2;
	char *bytes = cap > IO_BUFFER_MAX ? NULL : realloc(c->bytes, cap);
	if (bytes == NULL)
		return false;
	c->bytes = bytes;
	c->cap = cap;
	return true;
}

static bool fail(struct conn *c, const char *why)
{
	c->co->wait.failure = why;
	return true;
}

static bool give(struct conn *c, size_t n, size_t taken)
{
	neap_current *current = &c->co->vm->current;
	current->out = c->bytes == NULL ? "" : c->bytes;
	current->out_n = (uint32_t)n;
	c->taken = taken;
	return true;
}

static bool take_line(struct conn *c)
{
	const char *end = c->n == 0 ? NULL : memchr(c->bytes, '\n', c->n);
	if (end == NULL) {
		if (c->n > IO_LINE_MAX)
			return fail(c, "the line is too long");
		return c->is_over ? fail(c, "closed") : false;
	}
	size_t n = (size_t)(end - c->bytes);
	return give(c, n > 0 && end[-1] == '\r' ? n - 1 : n, n + 1);
}

/* The head of an answer, after those that only say "go on" (1xx). */
static bool take_head(struct conn *c, bool *is_whole)
{
	struct conn_answer *a = c->answer;
	*is_whole = false;
	for (;;) {
		enum h1_result result = c->n == 0 ? H1_MORE
						  : h1_head_parse(&a->head, c->bytes, c->n);
		if (result == H1_BAD)
			return fail(c, a->head.refusal.reason);
		if (result == H1_MORE)
			return c->is_over ? fail(c, "closed") : false;
		if (a->head.status >= 200)
			break;
		/* A peer that says so without end would hold up everything else. */
		if (++a->interims > IO_INTERIM_MAX)
			return fail(c, "too many 1xx answers");
		c->taken = a->head.bytes;
		drop_taken(c);
		h1_head_init(&a->head, true, a->fields, &a->limits);
	}
	if (!h1_response_framing(&a->head, c->co->wait.is_head ? METHOD_HEAD : METHOD_GET))
		return fail(c, a->head.refusal.reason);
	h1_body_init(&a->body, &a->head);
	a->has_head = true;
	a->body_at = a->head.bytes;
	*is_whole = true;
	return false;
}

/* Decodes what came behind the payload so far, and closes the gap that the coding leaves. */
static bool decode(struct conn *c)
{
	struct conn_answer *a = c->answer;
	size_t at = a->body_at + a->body_n, used, kept;
	if (a->body.done || at == c->n)
		return true;
	if (h1_body_decode(&a->body, c->bytes + at, c->n - at, &used, &kept) == BODY_BAD)
		return false;
	memmove(c->bytes + at + kept, c->bytes + at + used, c->n - at - used);
	c->n -= used - kept;
	a->body_n += kept;
	return true;
}

static bool take_answer(struct conn *c)
{
	struct conn_answer *a = c->answer;
	bool is_whole = a->has_head;
	if (!is_whole && take_head(c, &is_whole))
		return true;
	if (!is_whole)
		return false;
	if (!decode(c))
		return fail(c, "the answer's body is malformed");
	const struct wait *w = &c->co->wait;
	bool is_enough = w->is_cut && a->body_n >= w->body_max;
	if (a->body_n > w->body_max && !is_enough)
		return fail(c, "the answer's body is too large");
	bool is_over = a->body.done || (c->is_over && h1_body_is_whole_at_close(&a->body));
	if (!is_over && !is_enough)
		return c->is_over ? fail(c, "closed") : false;
	(void)give(c, is_enough ? w->body_max : a->body_n, a->body_at + a->body_n);
	c->co->vm->current.out += a->body_at;
	return true;
}

/* Is what is wanted in the buffer? */
static bool take(struct conn *c)
{
	struct wait *w = &c->co->wait;
	switch (w->kind) {
	case WAIT_LINE:
		return take_line(c);
	case WAIT_BYTES:
		if (c->n >= w->left)
			return give(c, w->left, w->left);
		return c->is_over ? fail(c, "closed") : false;
	case WAIT_SOME: {
		size_t n = c->n < w->left ? c->n : w->left;
		return n > 0 ? give(c, n, n) : c->is_over ? fail(c, "closed") : false;
	}
	case WAIT_ALL:
		return c->is_over ? give(c, c->n, c->n) : false;
	case WAIT_RESPONSE:
		return take_answer(c);
	default:
		return fail(c, "nothing to receive");
	}
}

/* One read; false: it would block. */
static bool fill(struct conn *c)
{
	if (!has_room(c))
		return fail(c, "too much was received");
	ssize_t n = stream_read(&c->stream, c->bytes + c->n, c->cap - c->n);
	if (n == IO_AGAIN)
		return false;
	if (n > 0)
		c->n += (size_t)n;
	else if (n == IO_EOF)
		c->is_over = true;
	else
		return fail(c, sock_err_text(c->stream.sys));
	return true;
}

static bool receive(struct conn *c)
{
	drop_taken(c);
	while (!take(c)) {
		if (!fill(c)) {
			stream_watch_read(&c->stream, true);
			return false;
		}
		if (c->co->wait.failure != NULL)
			return true;
	}
	return true;
}

static bool send_bytes(struct conn *c)
{
	struct wait *w = &c->co->wait;
	while (w->left > 0) {
		struct iovec iov = { .iov_base = (void *)(uintptr_t)w->sending,
				     .iov_len = w->left };
		ssize_t n = stream_writev(&c->stream, &iov, 1);
		if (n == IO_AGAIN) {
			stream_watch_write(&c->stream, true);
			return false;
		}
		if (n < 0)
			return fail(c, sock_err_text(c->stream.sys));
		w->sending += n;
		w->left -= (size_t)n;
	}
	return true;
}

bool conn_step(struct conn *c)
{
	return c->co->wait.kind == WAIT_SEND ? send_bytes(c) : receive(c);
}
