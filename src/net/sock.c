#include "net/sock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/*
 * Has this machine an address to reach that one from? A socket of UDP is asked, whose ports are not
 * those of TCP: what TCP lacks may be a port.
 */
static bool has_source(const struct addr *a)
{
	int fd = socket(a->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool has = fd < 0 || connect(fd, &a->u.sa, a->len) == 0;

	if (fd >= 0)
		(void)close(fd); /* nothing was sent */
	return has;
}

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
	if (sys == EADDRNOTAVAIL && !has_source(a))
		sys = ENETUNREACH;
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

void sock_set_keepalive(int fd, uint32_t silent_ms)
{
	enum { PROBES = 3, SECONDS_MAX = 32767 /* the kernel's */ };
	uint32_t seconds = silent_ms / 1000;
	int idle = seconds < 1 ? 1 : seconds > SECONDS_MAX ? SECONDS_MAX : (int)seconds;
	int interval = idle < PROBES ? 1 : idle / PROBES;
	int probes = PROBES, on = silent_ms > 0;

	/* Refused only where there is nothing to probe (unix sockets). */
	if (setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)) != 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void sock_set_reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	/* Unix sockets take it without a meaning; else the close is a clean one. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void sock_close_with_reset(int fd)
{
	sock_set_reset(fd);
	(void)close(fd);
}

void sock_close_with_words(int fd, struct str words, char *scratch, size_t scratch_bytes)
{
	(void)recv(fd, scratch, scratch_bytes, MSG_DONTWAIT);	       /* whatever it is */
	(void)send(fd, words.p, words.n, MSG_DONTWAIT | MSG_NOSIGNAL); /* as far as it goes */
	(void)shutdown(fd, SHUT_WR);
	(void)close(fd);
}

bool sock_has_input(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

bool sock_has_ended(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0;
}

void sock_local(int fd, struct peer *p)
{
	struct addr a = { .len = sizeof(a.u) };

	*p = (struct peer){ .family = AF_UNSPEC };
	if (getsockname(fd, &a.u.sa, &a.len) == 0)
		peer_of_addr(p, &a);
}

void sock_peer(int fd, struct peer *p)
{
	struct addr a = { .len = sizeof(a.u) };

	*p = (struct peer){ .family = AF_UNSPEC };
	if (getpeername(fd, &a.u.sa, &a.len) == 0)
		peer_of_addr(p, &a);
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
