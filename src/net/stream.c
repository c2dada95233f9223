#include "net/stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { SHORT_BYTES = 1024 };

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

static int send_flags(const struct stream *s)
{
	return s->is_last ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
}

static ssize_t send_one(struct stream *s, const void *p, size_t n)
{
	ssize_t sent;

	do {
		sent = send(s->fd, p, n, send_flags(s));
	} while (sent < 0 && errno == EINTR);
	return sent >= 0 ? sent : failed(s);
}

static ssize_t send_vector(struct stream *s, const struct iovec *iov, int count)
{
	/* The kernel does not write to the vector. */
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov,
			    .msg_iovlen = (size_t)count };
	ssize_t sent;

	do {
		sent = sendmsg(s->fd, &m, send_flags(s));
	} while (sent < 0 && errno == EINTR);
	return sent >= 0 ? sent : failed(s);
}

/* What is short is put together here: the kernel takes longer to look at a vector. */
static ssize_t plain_writev(struct stream *s, const struct iovec *iov, int count)
{
	char whole[SHORT_BYTES];
	size_t n = 0;

	if (count == 1)
		return send_one(s, iov[0].iov_base, iov[0].iov_len);
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len > sizeof(whole) - n)
			return send_vector(s, iov, count);
		if (iov[i].iov_len > 0) /* else there may be no address */
			memcpy(whole + n, iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	return send_one(s, whole, n);
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

static void tell(void *about, int events)
{
	struct stream *s = about;

	s->news = 0;
	events &= s->watched;
	if (events != 0)
		s->on_ready(s, events); /* may free s */
}

/* Both directions in one call when both are ready: the owner steps once. */
static void watcher_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	struct stream *s = container_of(w, struct stream, watcher);
	int events = 0;

	(void)ev;
	if ((revents & EV_READ) != 0)
		events |= STREAM_READABLE;
	if ((revents & EV_WRITE) != 0)
		events |= STREAM_WRITABLE;
	s->news = loop_news_add(s->loop, s, tell, events);
}

static void init_watcher(struct stream *s, int fd)
{
	ev_io_init(&s->watcher, watcher_cb, fd, EV_READ);
	ev_set_priority(&s->watcher, LOOP_FIRST);
}

static void drop_news(struct stream *s)
{
	if (s->news != 0)
		loop_news_drop(s->loop, s->news);
	s->news = 0;
}

void stream_init(struct stream *s, struct loop *loop)
{
	s->ops = &closed_ops;
	s->loop = loop;
	s->fd = -1;
	s->sys = 0;
	s->on_ready = NULL;
	s->watched = 0;
	s->is_last = false;
	s->news = 0;
	init_watcher(s, -1);
}

void stream_open(struct stream *s, struct loop *loop, int fd,
		 void (*on_ready)(struct stream *s, int events))
{
	s->ops = &plain_ops;
	s->loop = loop;
	s->fd = fd;
	s->sys = 0;
	s->on_ready = on_ready;
	s->watched = 0;
	s->is_last = false;
	s->news = 0;
	init_watcher(s, fd);
}

/* ev_io_modify, not ev_io_set: the descriptor is the same, so one system call at most follows. */
static void watch(struct stream *s, uint8_t watched)
{
	if (s->fd < 0 || watched == s->watched)
		return;
	s->watched = watched;
	ev_io_stop(s->loop->ev, &s->watcher);
	ev_io_modify(&s->watcher, ((watched & STREAM_READABLE) != 0 ? EV_READ : 0) |
					  ((watched & STREAM_WRITABLE) != 0 ? EV_WRITE : 0));
	if (watched != 0)
		ev_io_start(s->loop->ev, &s->watcher);
}

static uint8_t with(uint8_t bits, uint8_t bit, bool on)
{
	return (uint8_t)(on ? bits | bit : bits & ~bit);
}

void stream_watch_read(struct stream *s, bool on)
{
	watch(s, with(s->watched, STREAM_READABLE, on));
}

void stream_watch_write(struct stream *s, bool on)
{
	watch(s, with(s->watched, STREAM_WRITABLE, on));
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
	watch(s, 0);
	drop_news(s);
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
 * The watcher is not made by ev_io_init in its new place: that marks the descriptor as a new one,
 * and the next turn would make a system call to register it again.
 */
void stream_move(struct stream *to, struct stream *from)
{
	uint8_t watched = from->watched;

	ev_io_stop(from->loop->ev, &from->watcher);
	drop_news(from);
	*to = *from;
	ev_init(&to->watcher, watcher_cb);
	ev_set_priority(&to->watcher, LOOP_FIRST);
	to->watcher.fd = from->watcher.fd;
	to->watcher.events = from->watcher.events;
	if (watched != 0)
		ev_io_start(to->loop->ev, &to->watcher);
	leave(from);
	from->watched = 0;
}
