#include "script/conn.h"

#include <openssl/ssl.h>
#include <stdlib.h>

#include "script/abi_wait.h"

enum { BUFFER_START = 4096, HEAD_BYTES_MAX = 65536, URI_BYTES_MAX = 8192 };

void conn_stop(struct conn *c)
{
	c->wish = CONN_NOTHING;
	stream_watch_read(&c->stream, false);
	stream_watch_write(&c->stream, false);
}

/* Drops what was given out from the front of the buffer. */
static void drop_taken(struct conn *c)
{
	if (c->taken == 0)
		return;
	memmove(c->bytes, c->bytes + c->taken, c->n - c->taken);
	c->n -= c->taken;
	c->taken = 0;
}

static bool has_buffer_room(struct conn *c)
{
	if (c->n < c->cap)
		return true;
	size_t cap = c->cap == 0 ? BUFFER_START : c->cap * 2;
	char *bytes = cap > CONN_BUFFER_MAX ? NULL : realloc(c->bytes, cap);
	if (bytes == NULL)
		return false;
	c->bytes = bytes;
	c->cap = cap;
	return true;
}

static bool fail_wish(struct conn *c, const char *why)
{
	c->failure = why;
	return true;
}

static bool give_bytes(struct conn *c, size_t n, size_t taken)
{
	io_give(c->io, c->bytes == NULL ? "" : c->bytes, n);
	c->taken = taken;
	return true;
}

static bool take_wished_line(struct conn *c)
{
	const char *end = c->n == 0 ? NULL : memchr(c->bytes, '\n', c->n);
	if (end == NULL) {
		if (c->n > CONN_LINE_MAX)
			return fail_wish(c, "the line is too long");
		return c->state == CONN_ENDED ? fail_wish(c, "closed") : false;
	}
	size_t n = (size_t)(end - c->bytes);
	return give_bytes(c, n > 0 && end[-1] == '\r' ? n - 1 : n, n + 1);
}

bool conn_expect_answer(struct conn *c, uint32_t flags, size_t body_max)
{
	if (c->answer == NULL)
		c->answer = malloc(sizeof *c->answer);
	struct conn_answer *a = c->answer;
	if (a == NULL)
		return false;
	a->bounds = (struct h1_reader_bounds){ .head = { .header_bytes = HEAD_BYTES_MAX,
							 .uri_bytes = URI_BYTES_MAX,
							 .headers = CONN_HEADERS_MAX },
					       .body_max = body_max,
					       .interims_max = CONN_INTERIM_MAX };
	a->is_cut = (flags & NEAP_ANSWER_CUT) != 0;
	h1_reader_init_answer(&a->reader, a->fields, &a->bounds,
			      (flags & NEAP_ANSWER_TO_HEAD) != 0 ? METHOD_HEAD : METHOD_GET);
	return true;
}

/* The first n bytes of the answer's payload. */
static bool give_payload(struct conn *c, size_t n)
{
	const struct h1_reader *r = &c->answer->reader;
	(void)give_bytes(c, n, h1_reader_bytes(r));
	c->io->current->out += r->head.bytes;
	return true;
}

static bool take_wished_answer(struct conn *c)
{
	const struct conn_answer *a = c->answer;
	struct h1_reader *r = &c->answer->reader;
	enum h1_reader_result result = h1_reader_read(r, c->bytes, &c->n);
	if (result == READER_HEAD)
		result = h1_reader_read(r, c->bytes, &c->n);
	if (a->is_cut && r->part == READER_IN_BODY && r->body_n >= a->bounds.body_max)
		return give_payload(c, a->bounds.body_max);
	switch (result) {
	case READER_BAD_HEAD:
		return fail_wish(c, r->head.refusal.reason);
	case READER_BAD_BODY:
		return fail_wish(c, "the answer's body is malformed");
	case READER_LONG:
		return fail_wish(c, "the answer's body is too large");
	case READER_DONE:
		return give_payload(c, r->body_n);
	default:
		break;
	}
	if (c->state != CONN_ENDED)
		return false;
	return h1_reader_ends_at_close(r) ? give_payload(c, r->body_n) : fail_wish(c, "closed");
}

/* Is what is wanted in the buffer? */
static bool take_wished(struct conn *c)
{
	bool is_over = c->state == CONN_ENDED;
	switch (c->wish) {
	case CONN_LINE:
		return take_wished_line(c);
	case CONN_BYTES:
		if (c->n >= c->left)
			return give_bytes(c, c->left, c->left);
		return is_over ? fail_wish(c, "closed") : false;
	case CONN_SOME: {
		size_t n = c->n < c->left ? c->n : c->left;
		return n > 0 ? give_bytes(c, n, n) : is_over ? fail_wish(c, "closed") : false;
	}
	case CONN_ALL:
		return is_over ? give_bytes(c, c->n, c->n) : false;
	case CONN_RESPONSE:
		return take_wished_answer(c);
	default:
		return fail_wish(c, "nothing to receive");
	}
}

/* One read; false: it would block. */
static bool fill_buffer(struct conn *c)
{
	if (!has_buffer_room(c))
		return fail_wish(c, "too much was received");
	ssize_t n = stream_read(&c->stream, c->bytes + c->n, c->cap - c->n);
	if (n == IO_AGAIN)
		return false;
	if (n > 0)
		c->n += (size_t)n;
	else if (n == IO_EOF)
		c->state = CONN_ENDED;
	else
		return fail_wish(c, stream_failure(&c->stream).words);
	return true;
}

static bool receive_wished(struct conn *c)
{
	drop_taken(c);
	while (!take_wished(c)) {
		if (!fill_buffer(c)) {
			stream_watch_read(&c->stream, true);
			return false;
		}
		if (c->failure != NULL)
			return true;
	}
	return true;
}

static bool send_bytes(struct conn *c)
{
	while (c->left > 0) {
		struct iovec iov = { .iov_base = (void *)(uintptr_t)c->sending,
				     .iov_len = c->left };
		ssize_t n = stream_writev(&c->stream, &iov, 1, 0);
		if (n == IO_AGAIN) {
			stream_watch_write(&c->stream, true);
			return false;
		}
		if (n < 0)
			return fail_wish(c, stream_failure(&c->stream).words);
		c->sending += n;
		c->left -= (size_t)n;
	}
	return true;
}

/* Goes on with the wish; true: it is over. */
static bool pursue_wish(struct conn *c)
{
	return c->wish == CONN_SEND ? send_bytes(c) : receive_wished(c);
}

static void on_conn_ready(struct stream *s, int events)
{
	struct conn *c = container_of(s, struct conn, stream);
	(void)events; /* the wish says what is wanted */
	if (c->wish == CONN_NOTHING) {
		conn_stop(c);
	} else if (pursue_wish(c)) {
		conn_stop(c);
		c->on_over(c);
	}
}

struct conn *conn_create(struct io *io, struct list *list)
{
	struct conn *c = calloc(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->io = io;
	c->id = ++io->conns;
	stream_init(&c->stream, io->loop);
	list_init(&c->node);
	list_append(list, &c->node);
	return c;
}

void conn_destroy(struct conn *c)
{
	if (c->state == CONN_DIALLING) {
		c->io->shortages += stream_dial_lacks(&c->dialling) != 0;
		stream_dial_cancel(&c->dialling);
	}
	ev_timer_stop(c->io->loop->ev, &c->idle);
	stream_close(&c->stream);
	SSL_free(c->ssl);
	list_remove(&c->node);
	free(c->answer);
	free(c->unsent);
	free(c->bytes);
	free(c);
}

static void note_dialled(struct conn *c, bool is_open)
{
	c->state = is_open ? CONN_OPEN : CONN_ENDED;
	c->failure = is_open ? NULL : stream_failure(&c->stream).words;
}

static void on_conn_open(struct stream *s, bool is_open)
{
	struct conn *c = container_of(s, struct conn, stream);
	note_dialled(c, is_open);
	c->on_over(c);
}

static const struct stream_owner owner = { .on_ready = on_conn_ready, .on_open = on_conn_open };

void conn_lend(struct conn *c)
{
	ev_timer_stop(c->io->loop->ev, &c->idle);
	stream_watch(&c->stream, 0);
	c->stream.on_ready = on_conn_ready;
	c->id = ++c->io->conns;
}

void conn_secure(struct conn *c, SSL *ssl, struct str first)
{
	c->ssl = ssl;
	c->first_n = (uint8_t)(first.n < CONN_FIRST_MAX ? first.n : CONN_FIRST_MAX);
	if (c->first_n > 0)
		memcpy(c->first, first.p, c->first_n);
}

bool conn_dial(struct conn *c, const struct addr *addrs, unsigned count, uint32_t timeout_ms)
{
	struct dial_goal goal = { .addrs = addrs, .count = count, .timeout_ms = timeout_ms };
	struct stream_tls tls = { c->ssl, { c->first, c->first_n } };
	c->state = CONN_DIALLING;
	c->ssl = NULL;
	enum stream_opened opened =
		stream_dial(&c->stream, &c->dialling, &goal, tls.ssl != NULL ? &tls : NULL, &owner);
	if (opened == STREAM_OPENING)
		return false;
	note_dialled(c, opened == STREAM_OPEN);
	return true;
}

static bool begin_wish(struct conn *c, enum conn_wish wish, size_t n)
{
	c->wish = wish;
	c->left = n;
	c->failure = NULL;
	bool is_over = pursue_wish(c);
	if (is_over)
		c->wish = CONN_NOTHING;
	return is_over;
}

static bool keep_unsent(struct conn *c)
{
	char *copy = malloc(c->left);
	if (copy == NULL) {
		conn_stop(c);
		return false;
	}
	memcpy(copy, c->sending, c->left);
	free(c->unsent);
	c->unsent = copy;
	c->sending = copy;
	return true;
}

bool conn_send(struct conn *c, const char *bytes, size_t n)
{
	c->sending = bytes;
	if (begin_wish(c, CONN_SEND, n))
		return true;
	return keep_unsent(c) ? false : fail_wish(c, "out of memory");
}

bool conn_receive(struct conn *c, enum conn_wish wish, size_t n)
{
	return begin_wish(c, wish, n);
}
