#include "proxy/tunnel.h"

#include "proxy/attempt.h"
#include "proxy/rewrite.h"
#include "proxy/shadow.h"

enum {
	PIPE_FROM_BYTES = 32 * 1024, /* a read of this much: a pipe takes over */
	PIPE_UNTIL_BYTES = 8 * 1024, /* a fill of less: the pipe is given back */
};

/*
 * One way. A side is deaf when it takes no more (it was reset): what is for it is dropped, the
 * other is not read any more.
 */
struct direction {
	struct exchange *ex;
	struct stream *from, *to;
	struct buf *first; /* goes out before buf */
	struct buf *buf;
	struct pipe **pipe;
	bool *from_eof, *from_deaf, *to_deaf;
	bool *told;	 /* that it ends */
	uint64_t *bytes; /* written */
};

static struct direction upwards(struct exchange *ex)
{
	return (struct direction){
		.ex = ex,
		.from = ex->client,
		.to = &ex->at.uconn->stream,
		.first = &ex->at.head,
		.buf = &ex->body,
		.pipe = &ex->up_pipe,
		.from_eof = &ex->client_eof,
		.from_deaf = &ex->client_deaf,
		.to_deaf = &ex->at.deaf,
		.told = &ex->backend_told,
		.bytes = &ex->at.sent,
	};
}

static struct direction downwards(struct exchange *ex)
{
	return (struct direction){
		.ex = ex,
		.from = &ex->at.uconn->stream,
		.to = ex->client,
		.first = &ex->out,
		.buf = &ex->down,
		.pipe = &ex->down_pipe,
		.from_eof = &ex->backend_eof,
		.from_deaf = &ex->at.deaf,
		.to_deaf = &ex->client_deaf,
		.told = &ex->client_told,
		.bytes = &ex->bytes,
	};
}

static size_t in_memory(const struct direction *d)
{
	return buf_len(d->first) + buf_len(d->buf);
}

static size_t in_pipe(const struct direction *d)
{
	return *d->pipe != NULL ? (*d->pipe)->held : 0;
}

static size_t waiting(const struct direction *d)
{
	return in_memory(d) + in_pipe(d);
}

static void drop_pipe(struct direction *d)
{
	pipe_put(&d->ex->proxy->pipes, *d->pipe);
	*d->pipe = NULL;
}

/* ---- writing ---- */

/*
 * What the receiving side no longer takes. Its own last bytes, and why it ended, are still to be
 * read.
 */
static void become_deaf(struct direction *d)
{
	*d->to_deaf = true;
	buf_drop(d->first);
	buf_drop(d->buf);
	drop_pipe(d);
	stream_watch_write(d->to, false);
	stream_watch_read(d->from, false);
}

static void written(struct direction *d, size_t n)
{
	size_t head = buf_len(d->first) < n ? buf_len(d->first) : n;
	*d->bytes += n;
	buf_consume(d->first, head);
	buf_consume(d->buf, n - head);
}

static ssize_t write_memory(struct direction *d)
{
	struct iovec iov[2] = { { buf_head(d->first), buf_len(d->first) },
				{ buf_head(d->buf), buf_len(d->buf) } };
	bool has_first = iov[0].iov_len > 0;
	ssize_t n = stream_writev(d->to, has_first ? iov : iov + 1, has_first ? 2 : 1);
	if (n > 0)
		written(d, (size_t)n);
	return n;
}

/* What is in memory is older than what is in the pipe. */
static ssize_t write_some(struct direction *d)
{
	if (in_memory(d) > 0)
		return write_memory(d);
	if (in_pipe(d) == 0)
		return 0;
	ssize_t n = pipe_drain(*d->pipe, d->to);
	if (n > 0)
		*d->bytes += (uint64_t)n;
	return n;
}

static struct direction opposite(const struct direction *d)
{
	return d->from == d->ex->client ? downwards(d->ex) : upwards(d->ex);
}

/* Closing both sides, which comes next, says the same. */
static bool is_all_over(const struct direction *d)
{
	struct direction back = opposite(d);
	return *back.from_eof && waiting(&back) == 0;
}

/*
 * Not before the end was reported twice (see pump), nor before what the other side has to tell in
 * this very turn: if that is its own end, closing both says it all.
 */
static void pass_end(struct direction *d)
{
	if (!*d->from_eof || stream_watches_read(d->from) || waiting(d) > 0 || *d->told ||
	    *d->from_deaf || *d->to_deaf || is_all_over(d) ||
	    (stream_is_pending(d->to) && stream_watches_read(d->to)))
		return;
	*d->told = true;
	stream_shutdown_write(d->to);
}

/* Writes what waits; passes the end on behind the last byte. */
static void flush(struct direction *d)
{
	if (*d->to_deaf)
		return;
	if (write_some(d) == IO_ERROR) {
		become_deaf(d);
		return;
	}
	stream_watch_write(d->to, waiting(d) > 0);
	if (waiting(d) > 0) {
		if (*d->from_eof)
			stream_watch_read(d->from, false);
		return;
	}
	buf_drop(d->first);
	buf_drop(d->buf);
	if (!*d->from_eof)
		stream_watch_read(d->from, true);
	else
		pass_end(d);
}

/* ---- reading ---- */

/* Neither will it take what is for it. */
static void was_reset(struct direction *d)
{
	struct direction back = opposite(d);
	*d->from_eof = true;
	stream_watch_read(d->from, false);
	if (!*back.to_deaf)
		become_deaf(&back);
}

static bool may_pipe(const struct direction *d)
{
	return waiting(d) == 0 && !*d->to_deaf && stream_is_plain(d->from) &&
	       stream_is_plain(d->to);
}

static ssize_t read_memory(struct direction *d)
{
	if (!buf_hold(d->buf)) {
		d->from->sys = 0;
		return IO_ERROR;
	}
	buf_compact(d->buf);
	size_t room = buf_room(d->buf);
	ssize_t n = room > 0 ? stream_read(d->from, buf_tail(d->buf), room) : IO_AGAIN;
	if (n > 0)
		buf_added(d->buf, (size_t)n);
	return n;
}

/* A pipe for volumes only: it is two descriptors. */
static void choose_way(struct direction *d, ssize_t n)
{
	if (*d->pipe != NULL && in_pipe(d) == 0 && n < PIPE_UNTIL_BYTES)
		drop_pipe(d);
	else if (*d->pipe == NULL && n >= PIPE_FROM_BYTES && may_pipe(d))
		*d->pipe = pipe_take(&d->ex->proxy->pipes);
}

/*
 * One read, then on with it. Nothing read while something waits: there is no room for it now. An
 * end stays watched and so is reported again in the next turn. Under load the other side has mostly
 * ended by then, and nothing has to be done but closing both; else it is told now.
 */
static void pump(struct direction *d)
{
	if (*d->to_deaf)
		return;
	if (*d->from_eof) {
		stream_watch_read(d->from, false);
		pass_end(d);
		return;
	}
	ssize_t n = *d->pipe != NULL ? pipe_fill(*d->pipe, d->from, SIZE_MAX) : read_memory(d);
	if (n == IO_EOF)
		*d->from_eof = true;
	else if (n == IO_ERROR)
		was_reset(d);
	else if (n == IO_AGAIN && waiting(d) > 0)
		stream_watch_read(d->from, false);
	if (n > 0 && stream_watches_write(d->to))
		return;
	flush(d);
	choose_way(d, n);
}

/* ---- the end ---- */

static void end(struct exchange *ex, const char *reason)
{
	ex->reason = reason;
	ex->state = EX_END;
}

/* One side was reset, so is the other. */
static void end_broken(struct exchange *ex)
{
	ex->truncated = true;
	stream_reset(&ex->at.uconn->stream);
	end(ex, ex->client_deaf ? "client broke off" : "backend broke off");
}

static void settle(struct exchange *ex)
{
	struct direction up = upwards(ex), down = downwards(ex);
	bool is_over = (ex->client_eof || ex->at.deaf) && (ex->backend_eof || ex->client_deaf);
	if (!is_over || waiting(&up) > 0 || waiting(&down) > 0)
		timer_start(&ex->timer, ex->service->tunnel);
	else if (ex->client_deaf || ex->at.deaf)
		end_broken(ex);
	else
		end(ex, "");
}

void tunnel_client(struct exchange *ex, int events)
{
	struct direction up = upwards(ex), down = downwards(ex);
	if ((events & STREAM_WRITABLE) != 0)
		flush(&down);
	if ((events & STREAM_READABLE) != 0)
		pump(&up);
	pass_end(&down);
	settle(ex);
}

void tunnel_backend(struct exchange *ex, int events)
{
	struct direction up = upwards(ex), down = downwards(ex);
	if ((events & STREAM_WRITABLE) != 0)
		flush(&up);
	if ((events & STREAM_READABLE) != 0) {
		if (ex->first_byte_us == 0)
			ex->first_byte_us = ex->proxy->loop->now_us;
		pump(&down);
	}
	pass_end(&up);
	settle(ex);
}

/* ---- the beginning ---- */

static void begin(struct exchange *ex)
{
	struct direction up = upwards(ex), down = downwards(ex);
	timer_stop(&ex->try);
	ex->keep = false;
	ex->responded = true;
	ex->state = EX_TUNNEL;
	flush(&down);
	flush(&up);
	settle(ex);
}

void tunnel_open(struct exchange *ex)
{
	ex->status = 200;
	board_latency(ex->proxy->board, ex->view.slot, (uint32_t)ex->connect_us);
	attempt_answered(ex, 0);
	ex->body_whole = false; /* it is not kept */
	begin(ex);
	shadow_on_sent(ex);
}

void tunnel_hold(struct exchange *ex)
{
	struct buf *b = &ex->body;
	ssize_t n = IO_ERROR;
	if (buf_hold(b))
		n = buf_room(b) > 0 ? stream_read(ex->client, buf_tail(b), buf_room(b)) : IO_AGAIN;
	if (n > 0)
		buf_added(b, (size_t)n);
	else if (n == IO_EOF)
		ex->client_eof = true;
	if (ex->client_eof || buf_room(b) == 0)
		stream_watch_read(ex->client, false);
	buf_drop_if_empty(b);
	if (n != IO_ERROR)
		return;
	ex->client_gone = true;
	end(ex, "client left");
}

/* What the client sent behind its request belongs to the tunnel. */
static bool take_early_bytes(struct exchange *ex)
{
	size_t at = ex->req.bytes + ex->early;
	size_t n = buf_len(ex->in) - at;
	if (n == 0)
		return true;
	if (!buf_hold(&ex->body) || !buf_append(&ex->body, buf_head(ex->in) + at, n))
		return false;
	ex->in->end -= (uint32_t)n;
	return true;
}

/* Puts the rewritten head in place of the one at the start of down, before the bytes behind it. */
static bool put_head(struct exchange *ex)
{
	struct str head;
	size_t rest = buf_len(&ex->down) - ex->res.bytes;
	if (!rewrite_response(ex, NULL, &head) || head.n + rest > ex->down.slab->object_bytes)
		return false;
	buf_consume(&ex->down, ex->res.bytes);
	buf_compact(&ex->down);
	memmove(ex->down.data + head.n, ex->down.data, rest);
	memcpy(ex->down.data, head.p, head.n);
	ex->down.start = 0;
	ex->down.end = (uint32_t)(head.n + rest);
	return true;
}

void tunnel_start(struct exchange *ex)
{
	ex->status = 101;
	/* the kept request body is gone with the replay; what came behind it is the tunnel's */
	ex->body.start = ex->body.end - ex->surplus;
	ex->kept = ex->surplus = 0;
	if (put_head(ex) && take_early_bytes(ex))
		begin(ex);
	else
		end_broken(ex);
}
