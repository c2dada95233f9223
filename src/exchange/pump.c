#include "exchange/pump.h"

#include "net/tls_stream.h"

enum {
	PIPE_FROM_BYTES = 32 * 1024, /* a read of this much: a pipe takes over */
	PIPE_UNTIL_BYTES = 8 * 1024, /* a fill of less: the pipe is given back */
};

static size_t first_len(const struct pump_way *d)
{
	return d->first != NULL ? outbox_len(d->first) : 0;
}

static size_t in_memory(const struct pump_way *d)
{
	return first_len(d) + buf_len(&d->buf);
}

static size_t in_pipe(const struct pump_way *d)
{
	return d->pipe != NULL ? d->pipe->held : 0;
}

static size_t waiting(const struct pump_way *d)
{
	return in_memory(d) + in_pipe(d);
}

static void drop_pipe(struct pump *p, struct pump_way *d)
{
	pipe_put(&p->rq->plane->pipes, d->pipe);
	d->pipe = NULL;
}

/* ---- writing ---- */

static void drop_first(struct pump_way *d)
{
	if (d->first != NULL)
		outbox_drop(d->first);
}

/* The receiving side takes no more. Its own last bytes, and why it ended, are still to be read. */
static void lose_sink(struct pump *p, struct pump_way *d)
{
	d->sink = SINK_RESET;
	drop_first(d);
	buf_drop(&d->buf);
	drop_pipe(p, d);
	stream_watch_write(d->to, false);
	stream_watch_read(d->from, false);
}

static void note_written(struct pump_way *d, size_t n)
{
	size_t first = first_len(d) < n ? first_len(d) : n;
	d->bytes += n;
	if (first > 0)
		buf_consume(&d->first->rest, first);
	buf_consume(&d->buf, n - first);
}

static ssize_t write_memory(struct pump_way *d)
{
	struct iovec iov[2] = { { NULL, 0 }, { buf_head(&d->buf), buf_len(&d->buf) } };
	bool has_first = first_len(d) > 0;
	if (has_first)
		iov[0] = (struct iovec){ buf_head(&d->first->rest), first_len(d) };
	ssize_t n = stream_writev(d->to, has_first ? iov : iov + 1, has_first ? 2 : 1, 0);
	if (n > 0)
		note_written(d, (size_t)n);
	return n;
}

/* What is in memory is older than what is in the pipe. */
static ssize_t write_some(struct pump_way *d)
{
	if (in_memory(d) > 0)
		return write_memory(d);
	if (in_pipe(d) == 0)
		return 0;
	ssize_t n = stream_drain_pipe(d->to, d->pipe);
	if (n > 0)
		d->bytes += (uint64_t)n;
	return n;
}

static struct pump_way *opposite(struct pump *p, const struct pump_way *d)
{
	return d == &p->up ? &p->down : &p->up;
}

/* Closing both sides, which comes next, says the same. */
static bool is_all_over(const struct pump_way *back)
{
	return back->source == SOURCE_ENDED && waiting(back) == 0;
}

/*
 * Not before the end was reported twice (see pump), nor before what the other side has to tell in
 * this very turn: if that is its own end, closing both says it all.
 */
static void pass_end(struct pump *p, struct pump_way *d)
{
	const struct pump_way *back = opposite(p, d);
	if (d->source == SOURCE_FLOWS || d->sink != SINK_TAKES || back->sink == SINK_RESET ||
	    stream_watches_read(d->from) || waiting(d) > 0 || is_all_over(back) ||
	    (stream_is_pending(d->to) && stream_watches_read(d->to)))
		return;
	d->sink = SINK_TOLD;
	d->told_at = back->bytes + waiting(back);
	stream_shutdown_write(d->to);
}

/* Writes what waits; passes the end on after the last byte. */
static void flush(struct pump *p, struct pump_way *d)
{
	if (d->sink == SINK_RESET)
		return;
	if (write_some(d) == IO_ERROR) {
		lose_sink(p, d);
		return;
	}
	stream_watch_write(d->to, waiting(d) > 0);
	if (waiting(d) > 0) {
		if (d->source == SOURCE_ENDED)
			stream_watch_read(d->from, false);
		return;
	}
	drop_first(d);
	buf_drop(&d->buf);
	if (d->source == SOURCE_FLOWS)
		stream_watch_read(d->from, true);
	else
		pass_end(p, d);
}

/* ---- reading ---- */

/*
 * Many servers over TLS close a connection without close_notify once the client has closed it. If they
 * said nothing since, no answer is missing. A client that listens still gets a reset: the end may be
 * forged.
 */
static bool just_leaves(struct pump *p, struct pump_way *d)
{
	const struct pump_way *back = opposite(p, d);
	if (back->sink != SINK_TOLD || d->bytes + waiting(d) != back->told_at ||
	    tls_stream_broke(d->from).reason != TLS_REASON_CUT || p->rq->view.is_tcp == 0)
		return false;
	p->is_cut = true;
	return true;
}

/* The source failed: it does not take what is for it, either. */
static void lose_source(struct pump *p, struct pump_way *d)
{
	struct pump_way *back = opposite(p, d);
	d->source = SOURCE_ENDED;
	stream_watch_read(d->from, false);
	if (back->sink != SINK_RESET && !just_leaves(p, d))
		lose_sink(p, back);
}

static bool may_pipe(const struct pump_way *d)
{
	return waiting(d) == 0 && d->sink != SINK_RESET && stream_can_splice(d->from, d->to);
}

static ssize_t read_memory(struct pump_way *d)
{
	if (!buf_hold(&d->buf))
		return IO_ERROR;
	buf_compact(&d->buf);
	size_t room = buf_room(&d->buf);
	ssize_t n = room > 0 ? stream_read(d->from, buf_tail(&d->buf), room) : IO_AGAIN;
	if (n > 0)
		buf_added(&d->buf, (size_t)n);
	return n;
}

/* A pipe for volumes only: it is two descriptors. */
static void choose_way(struct pump *p, struct pump_way *d, ssize_t n)
{
	if (d->pipe != NULL && in_pipe(d) == 0 && n < PIPE_UNTIL_BYTES)
		drop_pipe(p, d);
	else if (d->pipe == NULL && n >= PIPE_FROM_BYTES && may_pipe(d))
		d->pipe = pipe_take(&p->rq->plane->pipes);
}

/*
 * One read, then the bytes go on. If nothing is read while something waits, there is no room for it
 * now. An end stays watched, so it is reported again in the next turn. Under load the other side
 * has mostly ended by then, and all there is to do is to close both; else it is told then.
 */
static void pump_read(struct pump *p, struct pump_way *d)
{
	if (d->sink == SINK_RESET)
		return;
	if (d->source == SOURCE_ENDED) {
		stream_watch_read(d->from, false);
		pass_end(p, d);
		return;
	}
	ssize_t n = d->pipe != NULL ? stream_fill_pipe(d->from, d->pipe, SIZE_MAX) : read_memory(d);
	if (n == IO_EOF)
		d->source = SOURCE_ENDED;
	else if (n == IO_ERROR)
		lose_source(p, d);
	else if (n == IO_AGAIN && waiting(d) > 0)
		stream_watch_read(d->from, false);
	if (n > 0 && d == &p->down && p->rq->first_byte_us == 0)
		p->rq->first_byte_us = p->rq->plane->loop->now_us;
	if (n > 0 && stream_watches_write(d->to))
		return;
	flush(p, d);
	choose_way(p, d, n);
}

/* ---- the end ---- */

static bool is_half_closed(const struct pump *p)
{
	return p->up.source == SOURCE_ENDED || p->down.source == SOURCE_ENDED;
}

const char *pump_silent_words(const struct pump *p)
{
	return is_half_closed(p) ? "half-closed tunnel was silent" : "tunnel was silent";
}

const char *pump_broken_words(const struct pump *p)
{
	return p->down.sink == SINK_RESET ? "client broke off" : "backend broke off";
}

/* The deadline begins anew, unless all is over. */
static enum pump_outcome settle(struct pump *p)
{
	const struct service *s = p->rq->service;
	bool up_resets = p->up.sink == SINK_RESET, down_resets = p->down.sink == SINK_RESET;
	bool is_over = (p->up.source == SOURCE_ENDED || up_resets) &&
		       (p->down.source == SOURCE_ENDED || down_resets);
	if (is_over && waiting(&p->up) == 0 && waiting(&p->down) == 0)
		return up_resets || down_resets ? PUMP_BROKEN : PUMP_OVER;
	timer_start(&p->rq->timer, is_half_closed(p) ? s->half_closed : s->tunnel);
	return PUMP_GOES_ON;
}

enum pump_outcome pump_client(struct pump *p, int events)
{
	if ((events & STREAM_WRITABLE) != 0)
		flush(p, &p->down);
	if ((events & STREAM_READABLE) != 0)
		pump_read(p, &p->up);
	pass_end(p, &p->down);
	return settle(p);
}

enum pump_outcome pump_backend(struct pump *p, int events)
{
	if ((events & STREAM_WRITABLE) != 0)
		flush(p, &p->up);
	if ((events & STREAM_READABLE) != 0)
		pump_read(p, &p->down);
	pass_end(p, &p->up);
	return settle(p);
}

/* ---- the beginning ---- */

void pump_init(struct pump *p, struct request *rq, struct stream *client, struct outbox *to_client)
{
	*p = (struct pump){ .rq = rq };
	p->up.from = p->down.to = client;
	p->down.first = to_client;
	buf_init(&p->up.buf, &rq->plane->bodies);
	buf_init(&p->down.buf, &rq->plane->blocks);
}

enum pump_outcome pump_begin(struct pump *p, struct stream *backend, struct outbox *to_backend)
{
	p->up.to = p->down.from = backend;
	p->up.first = to_backend;
	flush(p, &p->down);
	flush(p, &p->up);
	return settle(p);
}

bool pump_hold(struct pump *p)
{
	struct pump_way *up = &p->up;
	struct buf *b = &up->buf;
	ssize_t n = IO_ERROR;
	if (buf_hold(b))
		n = buf_room(b) > 0 ? stream_read(up->from, buf_tail(b), buf_room(b)) : IO_AGAIN;
	if (n > 0)
		buf_added(b, (size_t)n);
	else if (n == IO_EOF)
		up->source = SOURCE_ENDED;
	if (up->source == SOURCE_ENDED || buf_room(b) == 0)
		stream_watch_read(up->from, false);
	buf_drop_if_empty(b);
	return n != IO_ERROR;
}

void pump_probe_silence(struct pump *p)
{
	uint32_t ms = p->rq->service->conf->timeouts.keepalive_probe;
	if (ms == 0)
		return;
	stream_probe_silence(p->down.from, ms);
	if (p->rq->view.is_tcp == 0) /* else it has it from its listener */
		stream_probe_silence(p->up.from, ms);
}

void pump_fini(struct pump *p)
{
	buf_drop(&p->up.buf);
	buf_drop(&p->down.buf);
	drop_pipe(p, &p->up);
	drop_pipe(p, &p->down);
}
