#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BACKLOG = 4096, /* the kernel lowers it to net.core.somaxconn */
	BATCH_MAX = 64,
	TURN_BUSY = 8, /* so many things told in one turn: it is a long one */
	PATIENCE_MIN = 4,
	PATIENCE_MAX = 16,
	DEFER_ACCEPT_S = 1,
};

static const double pause_s = 0.1;

static bool is_v6(const struct addr *a)
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
	       (!is_v6(a) || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
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

static int tcp_listen(const struct addr *a, bool first, bool defer_accept)
{
	int fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (tcp_options(fd, a, defer_accept) && tcp_bind(fd, a, first) && listen(fd, BACKLOG) == 0)
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

static const char *hint(const struct addr *a, int sys)
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

static enum err cannot_listen(const struct addr *a, int sys, struct error *e)
{
	const char *reason = sys == ENOTSOCK ? "not a socket" : sock_err_text(sys);
	char text[ADDR_TEXT_MAX];

	(void)addr_print(a, text);
	return err_set(e, ERR_SYSTEM, "cannot listen on %s: %s%s", text, reason, hint(a, sys));
}

static enum err tcp_open_all(struct addr *a, unsigned count, bool defer_accept, bool beside,
			     int *fds, unsigned *opened, struct error *e)
{
	for (unsigned i = 0; i < count; i++) {
		fds[i] = tcp_listen(a, i == 0 && !beside, defer_accept);
		if (fds[i] < 0)
			return cannot_listen(a, errno, e);
		*opened = i + 1;
		if (!learn_port(a, fds[i]))
			return cannot_listen(a, errno, e);
	}
	return ERR_OK;
}

/* 0 when nothing is at the path (any more), else why it cannot be used. */
static int unix_clear(const struct addr *a)
{
	struct stat st;

	if (lstat(a->u.un.sun_path, &st) != 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(st.st_mode))
		return ENOTSOCK;
	int fd = sock_connect_start(a);
	if (fd >= 0) {
		(void)close(fd); /* only asked whether somebody is there */
		return EADDRINUSE;
	}
	if (errno != ECONNREFUSED)
		return errno == EAGAIN ? EADDRINUSE : errno;
	return unlink(a->u.un.sun_path) == 0 || errno == ENOENT ? 0 : errno;
}

/* Whoever may connect is a matter of umask and directory, executing a socket means nothing. */
static bool unix_bind(int fd, const struct addr *a)
{
	mode_t before = umask(S_IXUSR | S_IXGRP | S_IXOTH);

	(void)umask(before | S_IXUSR | S_IXGRP | S_IXOTH);
	bool bound = bind(fd, &a->u.sa, a->len) == 0;
	(void)umask(before);
	return bound;
}

static int unix_listen(const struct addr *a)
{
	int sys = unix_clear(a);

	if (sys != 0) {
		errno = sys;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (unix_bind(fd, a) && listen(fd, BACKLOG) == 0)
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
			return cannot_listen(a, errno, e);
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

enum err listener_bind(struct addr *a, unsigned count, bool defer_accept, int *fds, struct error *e)
{
	return open_all(a, count, defer_accept, false, fds, e);
}

enum err listener_bind_beside(struct addr *a, unsigned count, bool defer_accept, int *fds,
			      struct error *e)
{
	return open_all(a, count, defer_accept, true, fds, e);
}

enum err listener_join(const struct addr *a, bool is_shared, int of, int *fd, struct error *e)
{
	if (is_shared || addr_is_unix(a)) {
		*fd = fcntl(of, F_DUPFD_CLOEXEC, 0);
		return *fd >= 0 ? ERR_OK : cannot_listen(a, errno, e);
	}
	*fd = socket(a->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd >= 0 && tcp_options(*fd, a, false) && tcp_bind(*fd, a, false))
		return ERR_OK;
	int sys = errno;
	if (*fd >= 0)
		(void)close(*fd); /* never listened */
	*fd = -1;
	return cannot_listen(a, sys, e);
}

enum err listener_listen(const struct addr *a, int fd, struct error *e)
{
	return listen(fd, BACKLOG) == 0 ? ERR_OK : cannot_listen(a, errno, e);
}

void listener_defer_accept(const struct addr *a, int fd, bool defer_accept)
{
	/* An optimisation: no harm where it cannot be set. */
	if (!addr_is_unix(a))
		(void)set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT,
				 defer_accept ? DEFER_ACCEPT_S : 0);
}

static void pause_accepting(struct listener *l, int sys)
{
	uint32_t skipped;

	if (l->on_shortage != NULL)
		l->on_shortage(l);
	ev_io_stop(l->loop->ev, &l->reader);
	ev_timer_set(&l->pause, pause_s, 0.);
	ev_timer_start(l->loop->ev, &l->pause);
	if (log_may(&l->shortage, loop_now_ms(l->loop), &skipped))
		log_error("cannot accept connections: %s; trying again every 100 ms",
			  sock_err_text(sys));
}

/*
 * A connection that ended before it was accepted; Linux reports its pending errors here too
 * (accept(2)).
 */
static bool concerns_one(int sys)
{
	switch (sys) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM: /* a firewall's decision */
	case ENOPROTOOPT:
	case EOPNOTSUPP:
	case ENETDOWN:
	case ENETUNREACH:
	case ENONET:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/* False when there is nothing more to accept now. */
static bool accept_one(struct listener *l)
{
	struct addr from = { .len = sizeof(from.u) };
	int fd = accept4(l->fd, &from.u.sa, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct peer peer;

	if (fd < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return false;
		if (concerns_one(errno))
			return true;
		/* A shortage; or what should not be, which must not make the loop spin either. */
		pause_accepting(l, errno);
		return false;
	}
	peer_of_addr(&peer, &from);
	l->on_accept(l, fd, &peer);
	return true;
}

/*
 * That nobody else waits is dear to find out, for accept4 makes a descriptor and a socket before it
 * looks. So one connection is accepted, and whether there are more is asked where it matters: the
 * turn was a long one (more have probably come, and a next turn would be late), or connections came
 * in several turns in a row; in more and more of them while there turn out to be no others.
 */
static int batch(struct listener *l)
{
	unsigned turn = ev_iteration(l->loop->ev);

	l->in_row = turn == l->turn + 1 ? l->in_row + 1 : 0;
	l->turn = turn;
	return l->loop->told < TURN_BUSY && l->in_row < l->patience ? 1 : BATCH_MAX;
}

/* A whole batch: there are probably more yet. */
static void note_batch(struct listener *l, int n)
{
	l->in_row = n == BATCH_MAX ? PATIENCE_MAX : 0;
	l->patience = n > 1 ? PATIENCE_MIN : l->patience * 2;
	if (l->patience > PATIENCE_MAX)
		l->patience = PATIENCE_MAX;
}

static void reader_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct listener *l = container_of(w, struct listener, reader);
	int max = batch(l), n = 0;

	(void)ev;
	(void)events;
	for (; n < max && ev_is_active(&l->reader); n++) {
		if (l->may_accept != NULL && !l->may_accept(l)) {
			listener_stop(l);
			return;
		}
		if (!accept_one(l))
			break;
	}
	if (max > 1)
		note_batch(l, n);
}

static void pause_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	(void)ev;
	(void)events;
	listener_start(container_of(w, struct listener, pause));
}

void listener_init(struct listener *l, struct loop *loop, int fd)
{
	*l = (struct listener){ .loop = loop, .fd = fd, .patience = PATIENCE_MIN };
	ev_io_init(&l->reader, reader_cb, fd, EV_READ);
	ev_set_priority(&l->reader, LOOP_LATE); /* first those who are here */
	ev_timer_init(&l->pause, pause_cb, pause_s, 0.);
}

void listener_start(struct listener *l)
{
	if (!ev_is_active(&l->pause))
		ev_io_start(l->loop->ev, &l->reader);
}

void listener_stop(struct listener *l)
{
	ev_io_stop(l->loop->ev, &l->reader);
	ev_timer_stop(l->loop->ev, &l->pause);
}

void listener_sweep(struct listener *l)
{
	for (int i = 0; i < BACKLOG; i++) {
		if ((l->may_accept != NULL && !l->may_accept(l)) || !accept_one(l))
			return;
	}
}
