#include "net/plain_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/sock.h"

enum { SHORT_BYTES = 1024 };

static ssize_t plain_failed(struct stream *s)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return IO_AGAIN;
	return stream_fail(s, errno);
}

static ssize_t plain_read(struct stream *s, void *to, size_t n)
{
	ssize_t got;

	do {
		got = recv(s->fd, to, n, 0);
	} while (got < 0 && errno == EINTR);
	return got >= 0 ? got : plain_failed(s);
}

static int send_flags(int flags)
{
	return (flags & STREAM_MORE) != 0 ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
}

static ssize_t plain_send(struct stream *s, const void *p, size_t n, int flags)
{
	ssize_t sent;

	do {
		sent = send(s->fd, p, n, send_flags(flags));
	} while (sent < 0 && errno == EINTR);
	return sent >= 0 ? sent : plain_failed(s);
}

static ssize_t plain_send_vector(struct stream *s, const struct iovec *iov, int count, int flags)
{
	/* The kernel does not write to the vector. */
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)iov,
			    .msg_iovlen = (size_t)count };
	ssize_t sent;

	do {
		sent = sendmsg(s->fd, &m, send_flags(flags));
	} while (sent < 0 && errno == EINTR);
	return sent >= 0 ? sent : plain_failed(s);
}

/* Short pieces are joined here: the kernel takes longer to look at a vector. */
static ssize_t plain_writev(struct stream *s, const struct iovec *iov, int count, int flags)
{
	char whole[SHORT_BYTES];
	size_t n = 0;

	if (count == 1)
		return plain_send(s, iov[0].iov_base, iov[0].iov_len, flags);
	for (int i = 0; i < count; i++) {
		if (iov[i].iov_len > sizeof(whole) - n)
			return plain_send_vector(s, iov, count, flags);
		if (iov[i].iov_len > 0) /* else there may be no address */
			memcpy(whole + n, iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	return plain_send(s, whole, n, flags);
}

static void plain_shutdown_write(struct stream *s)
{
	(void)shutdown(s->fd, SHUT_WR); /* fails when the peer is gone: reading will tell */
}

static void plain_close(struct stream *s)
{
	(void)close(s->fd); /* nothing that was written can still be lost by us */
}

static void plain_reset(struct stream *s)
{
	sock_set_reset(s->fd);
	(void)close(s->fd); /* the peer is to see that something is lost */
}

/* ev_io_modify, not ev_io_set: the descriptor is the same, so one system call at most follows. */
static void plain_watch(struct stream *s, uint8_t bits)
{
	s->watched = bits;
	ev_io_stop(s->loop->ev, &s->watcher);
	ev_io_modify(&s->watcher, ((bits & STREAM_READABLE) != 0 ? EV_READ : 0) |
					  ((bits & STREAM_WRITABLE) != 0 ? EV_WRITE : 0));
	if (bits != 0)
		ev_io_start(s->loop->ev, &s->watcher);
}

static bool plain_has_input(const struct stream *s)
{
	return sock_has_input(s->fd);
}

static bool plain_has_ended(const struct stream *s)
{
	return sock_has_ended(s->fd);
}

static ssize_t plain_fill_pipe(struct stream *s, struct pipe *p, size_t max)
{
	ssize_t n = pipe_fill(p, s->fd, max);

	return n >= 0 ? n : plain_failed(s);
}

static ssize_t plain_drain_pipe(struct stream *s, struct pipe *p)
{
	ssize_t n = pipe_drain(p, s->fd);

	return n >= 0 ? n : plain_failed(s);
}

static void plain_local(const struct stream *s, struct peer *p)
{
	sock_local(s->fd, p);
}

static void plain_peer(const struct stream *s, struct peer *p)
{
	sock_peer(s->fd, p);
}

static void plain_probe_silence(struct stream *s, uint32_t silent_ms)
{
	sock_set_keepalive(s->fd, silent_ms);
}

static const struct stream_ops plain_ops = {
	.read = plain_read,
	.writev = plain_writev,
	.shutdown_write = plain_shutdown_write,
	.close = plain_close,
	.reset = plain_reset,
	.watch = plain_watch,
	.has_input = plain_has_input,
	.has_ended = plain_has_ended,
	.fill_pipe = plain_fill_pipe,
	.drain_pipe = plain_drain_pipe,
	.failure = stream_system_failure,
	.local = plain_local,
	.peer = plain_peer,
	.probe_silence = plain_probe_silence,
};

/* Both directions in one call when both are ready: the owner steps once. */
static void plain_socket_cb(struct ev_loop *ev, ev_io *w, int revents)
{
	int events = 0;

	(void)ev;
	if ((revents & EV_READ) != 0)
		events |= STREAM_READABLE;
	if ((revents & EV_WRITE) != 0)
		events |= STREAM_WRITABLE;
	stream_note(container_of(w, struct stream, watcher), events);
}

void plain_stream_open(struct stream *s, struct loop *loop, int fd,
		       void (*on_ready)(struct stream *s, int events))
{
	stream_set_row(s, loop, &plain_ops, on_ready);
	s->fd = fd;
	ev_io_init(&s->watcher, plain_socket_cb, fd, EV_READ);
	ev_set_priority(&s->watcher, LOOP_FIRST);
}
