#include "net/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/trusted.h"
#include "net/sock.h"
#include "net/unix_file.h"

enum { DEFER_ACCEPT_S = 1 };

static bool is_v6_addr(const struct addr *a)
{
	return a->u.sa.sa_family == AF_INET6;
}

static bool set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

/* Connections inherit TCP_NODELAY from the socket that they are accepted on. */
static bool tcp_options(int fd, const struct addr *a, bool defer_accept)
{
	return set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
	       set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
	       (!is_v6_addr(a) || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
	       (!defer_accept || set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, DEFER_ACCEPT_S));
}

/*
 * The first socket of an address binds without SO_REUSEPORT, which makes the kernel refuse a port
 * that another process listens on, and gets the option afterwards, so that the others can join it.
 */
static bool tcp_bind(int fd, const struct addr *a, bool first)
{
	if (!first && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1))
		return false;
	if (bind(fd, &a->u.sa, a->len) != 0)
		return false;
	return !first || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

static void close_keeping_errno(int fd)
{
	int sys = errno;

	(void)close(fd); /* never listened */
	errno = sys;
}

/* beside: sockets of ours have the port, and this one listens later. */
static int tcp_open(const struct addr *a, bool first, bool defer_accept, bool beside)
{
	int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (tcp_options(fd, a, defer_accept) && tcp_bind(fd, a, first && !beside) &&
	    (beside || listen(fd, BIND_BACKLOG) == 0))
		return fd;
	close_keeping_errno(fd);
	return -1;
}

/* Port 0 becomes the one that the kernel chose. */
static bool learn_port(struct addr *a, int fd)
{
	struct addr bound = { .len = sizeof(bound.u) };

	if (addr_port(a) != 0)
		return true;
	if (getsockname(fd, &bound.u.sa, &bound.len) != 0)
		return false;
	addr_set_port(a, addr_port(&bound));
	return true;
}

static const char *listen_hint(const struct addr *a, int sys)
{
	bool is_unix = addr_is_unix(a);

	switch (sys) {
	case EADDRINUSE:
		return is_unix ? " (another process listens there; choose another path or stop it)"
			       : " (another process listens there; choose another port or stop it)";
	case EACCES:
	case EPERM:
		return is_unix ? " (the directory must be writable for this user)"
			       : " (ports below 1024 need root or CAP_NET_BIND_SERVICE; start it as"
				 " root or choose a higher port)";
	case EADDRNOTAVAIL:
		return " (no interface of this machine has that address)";
	case ENOENT:
		return is_unix ? " (the directory does not exist; make it first)" : "";
	case ENOTSOCK:
		return " (a file is there already; remove it or choose another path)";
	case EMFILE:
		return " (raise the limit, ulimit -n)";
	default:
		return "";
	}
}

enum err bind_refuse(const struct addr *a, int sys, struct error *e)
{
	const char *reason = sys == ENOTSOCK ? "not a socket"
			     : sys == ELOOP  ? trusted_text(sys)
					     : sock_err_text(sys);
	char text[ADDR_TEXT_MAX];

	(void)addr_print(a, text);
	return err_set(e, ERR_SYSTEM, "cannot listen on %s: %s%s", text, reason,
		       listen_hint(a, sys));
}

static enum err tcp_open_all(struct addr *a, unsigned count, bool defer_accept, bool beside,
			     int *fds, unsigned *opened, struct error *e)
{
	for (unsigned i = 0; i < count; i++) {
		fds[i] = tcp_open(a, i == 0, defer_accept, beside);
		if (fds[i] < 0)
			return bind_refuse(a, errno, e);
		*opened = i + 1;
		if (!learn_port(a, fds[i]))
			return bind_refuse(a, errno, e);
	}
	return ERR_OK;
}

static int unix_listen(const struct addr *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (unix_file_bind(fd, a) && listen(fd, BIND_BACKLOG) == 0)
		return fd;
	close_keeping_errno(fd);
	return -1;
}

static enum err unix_open_all(const struct addr *a, unsigned count, int *fds, unsigned *opened,
			      struct error *e)
{
	for (unsigned i = 0; i < count; i++) {
		fds[i] = i == 0 ? unix_listen(a) : fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
		if (fds[i] < 0)
			return bind_refuse(a, errno, e);
		*opened = i + 1;
	}
	return ERR_OK;
}

static enum err open_all(struct addr *a, unsigned count, bool defer_accept, bool beside, int *fds,
			 struct error *e)
{
	unsigned opened = 0;
	enum err result = addr_is_unix(a)
				  ? unix_open_all(a, count, fds, &opened, e)
				  : tcp_open_all(a, count, defer_accept, beside, fds, &opened, e);

	if (result != ERR_OK) {
		while (opened > 0)
			(void)close(fds[--opened]); /* nobody was told of them */
	}
	return result;
}

enum err bind_open(struct addr *a, unsigned count, bool defer_accept, int *fds, struct error *e)
{
	return open_all(a, count, defer_accept, false, fds, e);
}

enum err bind_open_beside(struct addr *a, unsigned count, bool defer_accept, int *fds,
			  struct error *e)
{
	return open_all(a, count, defer_accept, true, fds, e);
}

enum err bind_join(const struct addr *a, bool is_shared, int of, int *fd, struct error *e)
{
	if (is_shared || addr_is_unix(a)) {
		*fd = fcntl(of, F_DUPFD_CLOEXEC, 0);
		return *fd >= 0 ? ERR_OK : bind_refuse(a, errno, e);
	}
	*fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && tcp_options(*fd, a, false) && tcp_bind(*fd, a, false))
		return ERR_OK;
	int sys = errno;
	if (*fd >= 0)
		(void)close(*fd); /* never listened */
	*fd = -1;
	return bind_refuse(a, sys, e);
}

enum err bind_listen(const struct addr *a, int fd, struct error *e)
{
	return listen(fd, BIND_BACKLOG) == 0 ? ERR_OK : bind_refuse(a, errno, e);
}

void bind_set_defer_accept(const struct addr *a, int fd, bool defer_accept)
{
	/* An optimisation: no harm where it cannot be set. */
	if (!addr_is_unix(a))
		(void)set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT,
				 defer_accept ? DEFER_ACCEPT_S : 0);
}
