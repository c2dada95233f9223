#include "net/stream.h"

#include <errno.h>

#include "net/sock.h"

static ssize_t closed_read(struct stream *s, void *to, size_t n)
{
	(void)to;
	(void)n;
	return stream_fail(s, ENOTCONN);
}

static ssize_t closed_writev(struct stream *s, const struct iovec *iov, int count, int flags)
{
	(void)iov;
	(void)count;
	(void)flags;
	return stream_fail(s, ENOTCONN);
}

static ssize_t closed_fill_pipe(struct stream *s, struct pipe *p, size_t max)
{
	(void)p;
	(void)max;
	return stream_fail(s, ENOTCONN);
}

static ssize_t closed_drain_pipe(struct stream *s, struct pipe *p)
{
	(void)p;
	return stream_fail(s, ENOTCONN);
}

static void closed_nothing(struct stream *s)
{
	(void)s;
}

static void closed_watch(struct stream *s, uint8_t bits)
{
	(void)s;
	(void)bits;
}

static bool closed_has_nothing(const struct stream *s)
{
	(void)s;
	return false;
}

static void closed_address(const struct stream *s, struct peer *p)
{
	(void)s;
	*p = (struct peer){ .family = AF_UNSPEC };
}

static void closed_probe_silence(struct stream *s, uint32_t silent_ms)
{
	(void)s;
	(void)silent_ms;
}

const struct stream_ops stream_closed = {
	.read = closed_read,
	.writev = closed_writev,
	.shutdown_write = closed_nothing,
	.close = closed_nothing,
	.reset = closed_nothing,
	.watch = closed_watch,
	.has_input = closed_has_nothing,
	.has_ended = closed_has_nothing,
	.fill_pipe = closed_fill_pipe,
	.drain_pipe = closed_drain_pipe,
	.failure = stream_system_failure,
	.local = closed_address,
	.peer = closed_address,
	.probe_silence = closed_probe_silence,
};

struct stream_failure stream_system_failure(const struct stream *s)
{
	return (struct stream_failure){
		.kind = STREAM_FAILURE_SYSTEM,
		.sys = s->sys,
		.words = sock_err_text(s->sys),
	};
}

void stream_tell(void *stream, int events)
{
	struct stream *s = stream;

	s->news = 0;
	events &= s->watched;
	if (events != 0)
		s->on_ready(s, events); /* may free s */
}

static void drop_news(struct stream *s)
{
	if (s->news != 0)
		loop_news_drop(s->loop, s->news);
	s->news = 0;
}

void stream_set_row(struct stream *s, struct loop *loop, const struct stream_ops *ops,
		    void (*on_ready)(struct stream *s, int events))
{
	s->ops = ops;
	s->loop = loop;
	s->watcher.data = NULL;
	s->fd = -1;
	s->sys = 0;
	s->news = 0;
	s->watched = 0;
	s->on_ready = on_ready;
}

void stream_init(struct stream *s, struct loop *loop)
{
	stream_set_row(s, loop, &stream_closed, NULL);
}

static void become_closed(struct stream *s)
{
	s->ops = &stream_closed;
	s->watcher.data = NULL;
	s->fd = -1;
}

void stream_leave(struct stream *s)
{
	stream_watch(s, 0);
	drop_news(s);
}

/* Watching ends before the descriptor's number may mean another connection. */
static void end_with(struct stream *s, void (*end)(struct stream *s))
{
	stream_leave(s);
	end(s);
	become_closed(s);
}

void stream_close(struct stream *s)
{
	end_with(s, s->ops->close);
}

void stream_reset(struct stream *s)
{
	end_with(s, s->ops->reset);
}

/*
 * What was noted is dropped: in the new place it is seen again. The watcher that is copied is not
 * active, and keeps what libev knows of its descriptor: to register that again takes no system
 * call.
 */
void stream_move(struct stream *to, struct stream *from)
{
	uint8_t watched = from->watched;

	stream_watch(from, 0);
	drop_news(from);
	*to = *from;
	become_closed(from);
	stream_watch(to, watched);
}
