#include "fleet/channel.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cc.h"
#include "base/str.h"

/* Room for one descriptor beside a message. */
union passing {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int passed(struct msghdr *h)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(h);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/*
 * > 0: a message, 0: the end, -1: nothing there now. passed_fd NULL: the kernel closes what was
 * passed.
 */
static int receive_message(int fd, struct message *m, int *passed_fd)
{
	union passing room;
	struct iovec iov = { m, sizeof(*m) - 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (passed_fd != NULL) {
		h.msg_control = room.bytes;
		h.msg_controllen = sizeof(room.bytes);
	}
	ssize_t n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (passed_fd != NULL && n >= 0)
		*passed_fd = passed(&h);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : 0;
	if (n < (ssize_t)sizeof(m->kind))
		return 0;
	((char *)m)[n] = '\0';
	return 1;
}

static void channel_cb(struct ev_loop *ev, ev_io *w, int events)
{
	(void)ev, (void)events;
	channel_read(container_of(w, struct channel, reader));
}

void channel_init(struct channel *c, struct loop *loop, int fd)
{
	*c = (struct channel){ .loop = loop, .fd = fd, .passed_fd = -1 };
	ev_io_init(&c->reader, channel_cb, fd, EV_READ);
}

void channel_start(struct channel *c)
{
	ev_io_start(c->loop->ev, &c->reader);
}

void channel_close(struct channel *c)
{
	if (c->fd < 0)
		return;
	ev_io_stop(c->loop->ev, &c->reader);
	(void)close(c->fd);
	c->fd = -1;
}

void channel_read(struct channel *c)
{
	struct message m;

	while (c->fd >= 0) {
		int got = receive_message(c->fd, &m, c->takes_fds ? &c->passed_fd : NULL);
		if (got < 0)
			return;
		if (got == 0) {
			ev_io_stop(c->loop->ev, &c->reader);
			c->on_closed(c);
			return;
		}
		c->on_message(c, &m);
		if (c->passed_fd >= 0)
			(void)close(c->passed_fd); /* the callback did not keep it */
		c->passed_fd = -1;
	}
}

/* How many bytes of it are to be sent. A text that is too long is cut. */
static size_t fill_message(struct message *m, enum message_kind kind, const char *text)
{
	struct str words = text == NULL ? STR("") : str_of(text);

	m->kind = (uint32_t)kind;
	if (words.n >= sizeof(m->text))
		words.n = sizeof(m->text) - 1;
	(void)str_copy(m->text, sizeof(m->text), words);
	return offsetof(struct message, text) + words.n + 1;
}

bool message_send(int fd, enum message_kind kind, const char *text)
{
	struct message m;
	size_t bytes = fill_message(&m, kind, text);

	return send(fd, &m, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

bool channel_send(const struct channel *c, enum message_kind kind, const char *text)
{
	return c->fd >= 0 && message_send(c->fd, kind, text);
}

bool message_send_fd(int fd, enum message_kind kind, const char *text, int passed_fd)
{
	struct message m;
	size_t bytes = fill_message(&m, kind, text);
	union passing room = { .bytes = { 0 } };
	struct iovec iov = { &m, bytes };
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = room.bytes,
		.msg_controllen = sizeof(room.bytes),
	};
	struct cmsghdr *control = CMSG_FIRSTHDR(&h);

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(control), &passed_fd, sizeof(passed_fd));
	return sendmsg(fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

bool channel_send_fd(const struct channel *c, enum message_kind kind, const char *text,
		     int passed_fd)
{
	return c->fd >= 0 && message_send_fd(c->fd, kind, text, passed_fd);
}

enum err message_wait(int fd, int timeout_ms, struct message *m, int *passed_fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ready = poll(&p, 1, timeout_ms);

	if (ready == 0)
		return ERR_LIMIT;
	if (ready < 0)
		return errno == EINTR ? ERR_LIMIT : ERR_SYSTEM;
	return receive_message(fd, m, passed_fd) > 0 ? ERR_OK : ERR_GONE;
}
