#include "proxy/client_out.h"

#include "proxy/gather.h"

static size_t reply_left(const struct exchange *ex)
{
	return ex->view.reply.body_n - ex->reply_sent;
}

/* Before the final head was parsed `down` is raw: nothing of it may go out. */
static size_t body_left(const struct exchange *ex)
{
	return ex->state == EX_RELAY ? buf_len(&ex->down) : 0;
}

static size_t in_pipe(const struct exchange *ex)
{
	return ex->down_pipe != NULL ? ex->down_pipe->held : 0;
}

static size_t waiting(const struct exchange *ex)
{
	return buf_len(&ex->out) + body_left(ex) + reply_left(ex) + in_pipe(ex);
}

/* Notes that n bytes went out; the rest of head moves to a buffer of its own. false: no buffer. */
static bool advance(struct exchange *ex, struct str head, size_t n)
{
	buf_consume(&ex->out, gather_part(&n, buf_len(&ex->out)));
	size_t part = gather_part(&n, head.n);
	if (part < head.n &&
	    (!buf_hold(&ex->out) || !buf_append(&ex->out, head.p + part, head.n - part)))
		return false;
	if (buf_len(&ex->out) == 0)
		buf_drop(&ex->out);
	ex->bytes += n;
	buf_consume(&ex->down, gather_part(&n, body_left(ex)));
	ex->reply_sent += (uint32_t)n;
	return true;
}

static bool drain_pipe(struct exchange *ex)
{
	ssize_t n = pipe_drain(ex->down_pipe, ex->client);
	if (n > 0)
		ex->bytes += (uint64_t)n;
	return n != IO_ERROR;
}

/*
 * The connection ends with what is in memory now, so its end may go out with the last bytes: one
 * segment less.
 */
static bool is_last(const struct exchange *ex)
{
	return ex->state == EX_RELAY && !ex->keep && ex->res_body.done && in_pipe(ex) == 0;
}

enum client_sent client_send(struct exchange *ex, struct str head)
{
	struct iovec iov[4];
	int n = gather_add(iov, 0, buf_head(&ex->out), buf_len(&ex->out));
	n = gather_add(iov, n, head.p, head.n);
	n = gather_add(iov, n, buf_head(&ex->down), body_left(ex));
	n = gather_add(iov, n, ex->view.reply.body + ex->reply_sent, reply_left(ex));
	ex->client->is_last = is_last(ex);
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
