#include "script/conn.h"

#include <openssl/ssl.h>
#include <stdlib.h>

#include "script/abi_wait.h"

enum { BUFFER_START = 4096, PIECE_ROOM = 16384 };

void conn_stop(struct conn *c)
{
	c->wish = CONN_NOTHING;
	stream_watch_read(&c->stream, false);
	stream_watch_write(&c->stream, false);
}

/* What was given out is no longer needed. */
static void pass_taken(struct conn *c)
{
	c->at += c->taken;
	c->taken = 0;
	if (c->at == c->n)
		c->at = c->n = 0;
}

/* So much room that bodies do not come in many small pieces, when that is what is wanted. */
static size_t room_wanted(const struct conn *c)
{
	size_t least = c->wish == CONN_PIECE ? PIECE_ROOM : BUFFER_START;
	return c->cap * 2 > least ? c->cap * 2 : least;
}

static bool has_buffer_room(struct conn *c)
{
	if (c->n < c->cap)
		return true;
	size_t cap = room_wanted(c);
	if (c->at >= c->cap / 2 && c->at > 0) { /* so each byte is moved once at most */
		c->n -= c->at;
		memmove(c->bytes, c->bytes + c->at, c->n);
		c->at = 0;
		return true;
	}
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

/* The first n bytes; so many are taken. */
static bool give_bytes(struct conn *c, size_t n, size_t taken)
{
	io_give(c->io, c->bytes == NULL ? "" : c->bytes + c->at, n);
	c->taken = taken;
	return true;
}

static bool take_wished_line(struct conn *c)
{
	const char *begin = c->bytes + c->at;
	size_t there = c->n - c->at;
	const char *end = there == 0 ? NULL : memchr(begin + c->seen, '\n', there - c->seen);
	c->seen = there;
	if (end == NULL) {
		if (c->n - c->at > CONN_LINE_MAX)
			return fail_wish(c, "the line is too long");
		return c->state == CONN_ENDED ? fail_wish(c, "closed") : false;
	}
	size_t n = (size_t)(end - begin);
	return give_bytes(c, n > 0 && end[-1] == '\r' ? n - 1 : n, n + 1);
}

bool conn_expect_end(struct conn *c, struct str end)
{
	if (end.n == 0 || end.n > sizeof c->end)
		return false;
	memcpy(c->end, end.p, end.n);
	c->end_n = (uint8_t)end.n;
	return true;
}

static bool take_until(struct conn *c)
{
	size_t there = c->n - c->at;
	const char *begin = c->bytes + c->at;
	const char *end = there == 0 ? NULL
				     : memmem(begin + c->seen, there - c->seen, c->end, c->end_n);
	c->seen = there < c->end_n ? 0 : there - c->end_n + 1U;
	if (end != NULL && (size_t)(end - begin) <= c->left)
		return give_bytes(c, (size_t)(end - begin), (size_t)(end - begin) + c->end_n);
	if (end != NULL || there >= c->left + c->end_n)
		return fail_wish(c, "too much was received");
	return c->state == CONN_ENDED ? fail_wish(c, "closed") : false;
}

bool conn_expect_answer(struct conn *c, uint32_t flags, size_t body_max)
{
	if (c->answer == NULL)
		c->answer = malloc(sizeof *c->answer);
	if (c->answer == NULL)
		return false;
	reading_init(c->answer, (flags & NEAP_ANSWER_TO_HEAD) != 0, (flags & NEAP_ANSWER_CUT) != 0,
		     body_max);
	return true;
}

static bool take_wished_answer(struct conn *c, enum reading_part part)
{
	struct reading_gift gift;
	if (c->answer == NULL)
		return fail_wish(c, "nothing to receive");
	size_t n = c->n - c->at;
	char *bytes = c->bytes == NULL ? NULL : c->bytes + c->at;
	enum reading_result result = reading_take(c->answer, part, bytes, &n, &gift);
	c->n = c->at + n;
	if (result == READING_MORE && c->state == CONN_ENDED)
		result = reading_end(c->answer, bytes, &gift);
	if (result == READING_MORE)
		return false;
	if (result == READING_FAILED)
		return fail_wish(c, gift.why);
	io_give(c->io, gift.bytes.n == 0 ? "" : gift.bytes.p, gift.bytes.n);
	c->taken = gift.taken;
	return true;
}

/* Is what is wanted in the buffer? */
static bool take_wished(struct conn *c)
{
	bool is_over = c->state == CONN_ENDED;
	size_t there = c->n - c->at;
	switch (c->wish) {
	case CONN_LINE:
		return take_wished_line(c);
	case CONN_UNTIL:
		return take_until(c);
	case CONN_BYTES:
		if (there >= c->left)
			return give_bytes(c, c->left, c->left);
		return is_over ? fail_wish(c, "closed") : false;
	case CONN_SOME: {
		size_t n = there < c->left ? there : c->left;
		return n > 0 ? give_bytes(c, n, n) : is_over ? fail_wish(c, "closed") : false;
	}
	case CONN_ALL:
		return is_over ? give_bytes(c, there, there) : false;
	case CONN_RESPONSE:
		return take_wished_answer(c, READING_WHOLE);
	case CONN_HEAD:
		return take_wished_answer(c, READING_HEAD);
	case CONN_PIECE:
		return take_wished_answer(c, READING_PIECE);
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
	pass_taken(c);
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
	c->seen = 0;
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
