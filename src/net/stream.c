#include "net/stream.h"

#include <errno.h>
#include <unistd.h>

static ssize_t failed(struct stream *s)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return IO_AGAIN;
	s->sys = errno;
	return IO_ERROR;
}

static ssize_t plain_read(struct stream *s, void *to, size_t n)
{
	ssize_t got;

	do {
		got = recv(s->fd, to, n, 0);
	} while (got < 0 && errno == EINTR);
	return got >= 0 ? got : failed(s);
}

static ssize_t plain_writev(struct stream *s, const struct iovec *iov, int count)
{
	/* The kernel does not write to the vector. */
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov,
			    .msg_iovlen = (size_t)count };
	ssize_t sent;

	do {
		sent = sendmsg(s->fd, &m, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent >= 0 ? sent : failed(s);
}

static void plain_shutdown_write(struct stream *s)
{
	(void)shutdown(s->fd, SHUT_WR); /* fails when the peer is gone: reading will tell */
}

static void plain_close(struct stream *s)
{
	(void)close(s->fd); /* nothing that was written can still be lost by us */
}

static const struct stream_ops plain_ops = {
	.read = plain_read,
	.writev = plain_writev,
	.shutdown_write = plain_shutdown_write,
	.close = plain_close,
};

bool stream_is_plain(const struct stream *s)
{
	return s->ops == &plain_ops;
}

static ssize_t closed_read(struct stream *s, void *to, size_t n)
{
	(void)to;
	(void)n;
	s->sys = ENOTCONN;
	return IO_ERROR;
}

static ssize_t closed_writev(struct stream *s, const struct iovec *iov, int count)
{
	(void)iov;
	(void)count;
	s->sys = ENOTCONN;
	return IO_ERROR;
}

static void closed_nothing(struct stream *s)
{
	(void)s;
}

static const struct stream_ops closed_ops = {
	.read = closed_read,
	.writev = closed_writev,
	.shutdown_write = closed_nothing,
	.close = closed_nothing,
};

/* Both directions in one call when both are ready: the owner steps once. */
static void reader_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct stream *s = container_of(w, struct stream, reader);
	int events = STREAM_READABLE;

	(void)revents;
	if (ev_is_active(&s->writer) && ev_clear_pending(ev, &s->writer) != 0)
		events |= STREAM_WRITABLE;
	s->on_ready(s, events); /* may free s */
}

static void writer_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct stream *s = container_of(w, struct stream, writer);
	int events = STREAM_WRITABLE;

	(void)revents;
	if (ev_is_active(&s->reader) && ev_clear_pending(ev, &s->reader) != 0)
		events |= STREAM_READABLE;
	s->on_ready(s, events); /* may free s */
}

void stream_init(struct stream *s, struct loop *loop)
{
	s->ops = &closed_ops;
	s->loop = loop;
	s->fd = -1;
	s->sys = 0;
	s->on_ready = NULL;
	ev_io_init(&s->reader, reader_cb, -1, EV_READ);
	ev_io_init(&s->writer, writer_cb, -1, EV_WRITE);
}

void stream_open(struct stream *s, struct loop *loop, int fd,
		 void (*on_ready)(struct stream *s, int events))
{
	s->ops = &plain_ops;
	s->loop = loop;
	s->fd = fd;
	s->sys = 0;
	s->on_ready = on_ready;
	ev_io_init(&s->reader, reader_cb, fd, EV_READ);
	ev_io_init(&s->writer, writer_cb, fd, EV_WRITE);
}

static void watch(struct stream *s, ev_io *w, bool on)
{
	if (s->fd < 0)
		return;
	if (on)
		ev_io_start(s->loop->ev, w);
	else
		ev_io_stop(s->loop->ev, w);
}

void stream_watch_read(struct stream *s, bool on)
{
	watch(s, &s->reader, on);
}

void stream_watch_write(struct stream *s, bool on)
{
	watch(s, &s->writer, on);
}

void stream_shutdown_write(struct stream *s)
{
	s->ops->shutdown_write(s);
}

static void leave(struct stream *s)
{
	s->ops = &closed_ops;
	s->fd = -1;
}

void stream_close(struct stream *s)
{
	if (s->fd < 0)
		return;
	/* Before the descriptor's number may mean another connection. */
	stream_watch_read(s, false);
	stream_watch_write(s, false);
	s->ops->close(s);
	leave(s);
}

void stream_reset(struct stream *s)
{
	if (s->fd >= 0)
		sock_set_reset(s->fd);
	stream_close(s);
}

/*
 * A watcher for the same descriptor in another place. Not by ev_io_init, which marks the
 * descriptor as a new one: the next turn would make a system call to register it again.
 */
static void watcher_move(struct loop *loop, ev_io *to, ev_io *from)
{
	bool active = ev_is_active(from) != 0;

	ev_io_stop(loop->ev, from);
	ev_init(to, ev_cb(from));
	to->fd = from->fd;
	to->events = from->events;
	if (active)
		ev_io_start(loop->ev, to);
}

void stream_move(struct stream *to, struct stream *from)
{
	to->ops = from->ops;
	to->loop = from->loop;
	to->fd = from->fd;
	to->sys = from->sys;
	to->on_ready = from->on_ready;
	watcher_move(from->loop, &to->reader, &from->reader);
	watcher_move(from->loop, &to->writer, &from->writer);
	leave(from);
}
