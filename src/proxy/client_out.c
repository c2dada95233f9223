#include "proxy/client_out.h"

static int add_iov(struct iovec *iov, int n, const char *p, size_t len)
{
	if (len == 0)
		return n;
	iov[n].iov_base = (void *)(uintptr_t)p; /* iovec has no const */
	iov[n].iov_len = len;
	return n + 1;
}

static size_t less(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t reply_left(const struct exchange *ex)
{
	return ex->view.reply.body_n - ex->reply_sent;
}

static size_t in_pipe(const struct exchange *ex)
{
	return ex->down_pipe != NULL ? ex->down_pipe->held : 0;
}

static size_t waiting(const struct exchange *ex)
{
	return buf_len(&ex->out) + buf_len(&ex->down) + reply_left(ex) + in_pipe(ex);
}

/* Notes that n bytes went out; the rest of head moves to a buffer of its own. false: no buffer. */
static bool advance(struct exchange *ex, struct str head, size_t n)
{
	size_t part = less(n, buf_len(&ex->out));
	buf_consume(&ex->out, part);
	n -= part;
	part = less(n, head.n);
	n -= part;
	if (part < head.n &&
	    (!buf_hold(&ex->out) || !buf_append(&ex->out, head.p + part, head.n - part)))
		return false;
	if (buf_len(&ex->out) == 0)
		buf_drop(&ex->out);
	ex->bytes += n;
	part = less(n, buf_len(&ex->down));
	buf_consume(&ex->down, part);
	ex->reply_sent += (uint32_t)(n - part);
	return true;
}

static bool drain_pipe(struct exchange *ex)
{
	ssize_t n = pipe_drain(ex->down_pipe, ex->client);
	if (n > 0)
		ex->bytes += (uint64_t)n;
	return n != IO_ERROR;
}

enum client_sent client_send(struct exchange *ex, struct str head)
{
	struct iovec iov[4];
	int n = add_iov(iov, 0, buf_head(&ex->out), buf_len(&ex->out));
	n = add_iov(iov, n, head.p, head.n);
	n = add_iov(iov, n, buf_head(&ex->down), buf_len(&ex->down));
	n = add_iov(iov, n, ex->view.reply.body + ex->reply_sent, reply_left(ex));
	ssize_t wrote = n == 0 ? 0 : stream_writev(ex->client, iov, n);
	if (wrote == IO_ERROR || !advance(ex, head, wrote > 0 ? (size_t)wrote : 0))
		return CLIENT_GONE;
	if (n == 0 && in_pipe(ex) > 0 && !drain_pipe(ex))
		return CLIENT_GONE;
	if (waiting(ex) > 0) {
		stream_watch_write(ex->client, true);
		return CLIENT_BLOCKED;
	}
	stream_watch_write(ex->client, false);
	return CLIENT_TOOK_ALL;
}
