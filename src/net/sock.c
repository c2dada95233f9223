#include "net/sock.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int sock_connect_start(const struct addr *a)
{
	int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (!addr_is_unix(a))
		sock_set_nodelay(fd);
	int sys = connect(fd, &a->u.sa, a->len) == 0 ? 0 : errno;
	if (sys == EINTR) /* POSIX: the connection goes on being made */
		sys = EINPROGRESS;
	if (sys != 0 && sys != EINPROGRESS) {
		(void)close(fd); /* never connected, nothing can be lost */
		fd = -1;
	}
	errno = sys;
	return fd;
}

int sock_connect_again(int fd, const struct addr *a)
{
	if (!addr_is_loopback(a))
		return EINPROGRESS;
	int sys = connect(fd, &a->u.sa, a->len) == 0 ? 0 : errno;
	return sys == EALREADY || sys == EINTR ? EINPROGRESS : sys == EISCONN ? 0 : sys;
}

int sock_connect_result(int fd)
{
	int sys = 0;
	socklen_t len = sizeof(sys);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sys, &len) != 0)
		return errno;
	return sys;
}

void sock_set_nodelay(int fd)
{
	int on = 1;

	/* Refused only where it means nothing (unix sockets). */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void sock_set_reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	/* Unix sockets take it without a meaning; else the close is a clean one. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

bool sock_has_input(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

void sock_local(int fd, struct peer *p)
{
	struct addr a = { .len = sizeof(a.u) };

	*p = (struct peer){ .family = AF_UNSPEC };
	if (getsockname(fd, &a.u.sa, &a.len) == 0)
		peer_of_addr(p, &a);
}

int sock_unsent(int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}

bool sock_err_is_shortage(int sys)
{
	return sys == EMFILE || sys == ENFILE || sys == ENOBUFS || sys == ENOMEM;
}

bool sock_err_is_gone(int sys)
{
	switch (sys) {
	case ECONNRESET:
	case EPIPE:
	case ENOTCONN:
	case ECONNABORTED:
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENETDOWN:
	case EHOSTDOWN:
		return true;
	default:
		return false;
	}
}

/* strerror's words differ by libc and locale, and some are no help to a reader. */
const char *sock_err_text(int sys)
{
	static const struct {
		int sys;
		const char *text;
	} texts[] = {
		{ 0, "no error" },
		{ EACCES, "permission denied" },
		{ EPERM, "not permitted (a firewall?)" },
		{ EADDRINUSE, "address already in use" },
		{ EADDRNOTAVAIL, "address not available" },
		{ EAFNOSUPPORT, "address family not supported" },
		{ EAGAIN, "the queue of the listening socket is full" },
		{ ECONNABORTED, "connection aborted" },
		{ ECONNREFUSED, "connection refused" },
		{ ECONNRESET, "connection reset by peer" },
		{ EHOSTDOWN, "host is down" },
		{ EHOSTUNREACH, "no route to host" },
		{ EMFILE, "out of file descriptors" },
		{ ENETDOWN, "network is down" },
		{ ENETUNREACH, "network unreachable" },
		{ ENFILE, "the system is out of file descriptors" },
		{ ENOBUFS, "out of socket buffers" },
		{ ENOENT, "no such file" },
		{ ENOMEM, "out of memory" },
		{ ENOTCONN, "not connected" },
		{ EPIPE, "connection closed by peer" },
		{ EPROTO, "protocol error" },
		{ ETIMEDOUT, "timed out" },
	};

	for (size_t i = 0; i < countof(texts); i++) {
		if (texts[i].sys == sys)
			return texts[i].text;
	}
	const char *known = strerrordesc_np(sys);
	return known != NULL ? known : "unknown error";
}
