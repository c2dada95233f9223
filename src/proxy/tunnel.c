#include "proxy/tunnel.h"

#include "proxy/rewrite.h"

struct direction {
	struct stream *from, *to;
	struct buf *buf;
	bool *eof; /* `from` ended */
	uint64_t *bytes;
};

static struct direction upwards(struct exchange *ex)
{
	return (struct direction){ ex->client, &ex->at.uconn->stream, &ex->body, &ex->client_eof,
				   NULL };
}

static struct direction downwards(struct exchange *ex)
{
	return (struct direction){ &ex->at.uconn->stream, ex->client, &ex->down, &ex->backend_eof,
				   &ex->bytes };
}

static void end(struct exchange *ex, const char *reason)
{
	ex->reason = reason;
	ex->state = EX_END;
}

/* Writes what waits; passes the end on behind the last byte. false: the receiving side is gone. */
static bool flush(struct direction d)
{
	if (buf_len(d.buf) > 0) {
		struct iovec iov = { buf_head(d.buf), buf_len(d.buf) };
		ssize_t n = stream_writev(d.to, &iov, 1);
		if (n == IO_ERROR)
			return false;
		if (n > 0) {
			buf_consume(d.buf, (size_t)n);
			if (d.bytes != NULL)
				*d.bytes += (uint64_t)n;
		}
	}
	bool empty = buf_len(d.buf) == 0;
	stream_watch_write(d.to, !empty);
	if (!empty)
		return true;
	buf_drop(d.buf);
	if (*d.eof)
		stream_shutdown_write(d.to);
	else
		stream_watch_read(d.from, true);
	return true;
}

/* One read, then on with it. false: a side is gone, or no buffer. */
static bool pump(struct direction d)
{
	if (!buf_hold(d.buf))
		return false;
	buf_compact(d.buf);
	size_t room = buf_room(d.buf);
	if (room == 0) {
		stream_watch_read(d.from, false);
		return true;
	}
	ssize_t n = stream_read(d.from, buf_tail(d.buf), room);
	if (n == IO_ERROR)
		return false;
	if (n == IO_EOF) {
		*d.eof = true;
		stream_watch_read(d.from, false);
	} else if (n > 0) {
		buf_added(d.buf, (size_t)n);
	}
	return flush(d);
}

static void settle(struct exchange *ex, bool alive)
{
	if (!alive)
		end(ex, "tunnel broken off");
	else if (ex->client_eof && ex->backend_eof && buf_len(&ex->body) == 0 &&
		 buf_len(&ex->down) == 0)
		end(ex, "");
	else
		timer_start(&ex->timer, ex->service->tunnel);
}

void tunnel_client(struct exchange *ex, int events)
{
	bool alive = true;
	if ((events & STREAM_WRITABLE) != 0)
		alive = flush(downwards(ex));
	if (alive && (events & STREAM_READABLE) != 0)
		alive = pump(upwards(ex));
	settle(ex, alive);
}

void tunnel_backend(struct exchange *ex, int events)
{
	bool alive = true;
	if ((events & STREAM_WRITABLE) != 0)
		alive = flush(upwards(ex));
	if (alive && (events & STREAM_READABLE) != 0)
		alive = pump(downwards(ex));
	settle(ex, alive);
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
	ex->keep = false;
	ex->responded = true;
	ex->status = 101;
	ex->state = EX_TUNNEL;
	/* the kept request body is gone with the replay; what came behind it is the tunnel's */
	ex->body.start = ex->body.end - ex->surplus;
	ex->kept = ex->surplus = 0;
	bool ready = put_head(ex) && take_early_bytes(ex) && buf_len(&ex->out) == 0;
	settle(ex, ready && flush(downwards(ex)) && flush(upwards(ex)));
}
