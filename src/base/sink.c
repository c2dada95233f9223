#include "base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/str.h"
#include "base/syslog.h"
#include "base/trusted.h"

enum { OPEN_FLAGS = O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK, OPEN_TRIES = 4 };

static enum sink_kind kind_of(const char *target)
{
	if (strcmp(target, "stderr") == 0)
		return SINK_STDERR;
	if (syslog_net_is(target))
		return SINK_NET;
	return syslog_path(target) != NULL ? SINK_SYSLOG : SINK_FILE;
}

static enum sink_way way_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return SINK_ASK;
	if (S_ISSOCK(st.st_mode))
		return SINK_SEND;
	bool is_own = fd != STDERR_FILENO && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
	return is_own || S_ISREG(st.st_mode) ? SINK_WRITE : SINK_ASK;
}

/* A regular file is not opened again: the place to write at is part of its description. */
static int open_stderr(void)
{
	struct stat st;
	int fd = -1;

	if (fstat(STDERR_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		fd = open("/proc/self/fd/2", OPEN_FLAGS | O_CLOEXEC);
	return fd >= 0 ? fd : STDERR_FILENO;
}

/*
 * As O_CREAT, and tells whether the file is new. A FIFO that nobody reads yet is opened for reading
 * and writing: then it takes lines until it is full.
 */
static int open_log_file(const char *path, bool *is_new)
{
	int fd = -1;

	for (unsigned i = 0; fd < 0 && i < OPEN_TRIES; i++) {
		*is_new = false;
		fd = trusted_open(path, OPEN_FLAGS, 0);
		if (fd < 0 && errno == ENXIO)
			return trusted_open(path, (OPEN_FLAGS & ~O_WRONLY) | O_RDWR, 0);
		if (fd >= 0 || errno != ENOENT)
			break;
		*is_new = true;
		fd = trusted_open(path, OPEN_FLAGS | O_CREAT | O_EXCL, 0640);
		if (fd < 0 && errno != EEXIST) /* it was made meanwhile */
			break;
	}
	return fd;
}

int sink_fd(const struct sink *s)
{
	return s->kind == SINK_NET ? s->net.fd : s->fd;
}

void sink_close(struct sink *s)
{
	if (s->kind == SINK_NET)
		syslog_net_close(&s->net);
	if (s->fd > STDERR_FILENO)
		(void)close(s->fd); /* what each write said was looked at */
	s->fd = -1;
}

static void set_fd(struct sink *s, int fd, bool is_new)
{
	if (s->fd != fd)
		sink_close(s);
	s->fd = fd;
	s->way = way_of(fd);
	s->is_new = is_new;
	s->is_torn = false;
}

static enum err check_target(const char *target, struct error *e)
{
	if (target[0] != '\0' && strlen(target) < sizeof((struct sink *)0)->target)
		return ERR_OK;
	return err_set(e, ERR_INVALID, "log target \"%.100s\": not a usable path", target);
}

static void note_target(struct sink *s, const char *target)
{
	s->kind = kind_of(target);
	if (target != s->target)
		(void)str_copy(s->target, sizeof(s->target),
			       str_of(target)); /* check_target measured it */
}

static enum err set_net(struct sink *s, const struct syslog_net *net, const char *target)
{
	set_fd(s, -1, false);
	sink_close(s); /* a server before it */
	s->net = *net;
	note_target(s, target);
	return ERR_OK;
}

static enum err open_net(struct sink *s, const char *target, struct error *e)
{
	struct syslog_net net;
	enum err err = syslog_net_open(&net, target, e);

	return err == ERR_OK ? set_net(s, &net, target) : err;
}

static enum err take_net(struct sink *s, const char *target, int fd, struct error *e)
{
	struct syslog_net net;
	enum err err = syslog_net_take(&net, target, fd, e);

	return err == ERR_OK ? set_net(s, &net, target) : err;
}

enum err sink_open(struct sink *s, const char *target, struct error *e)
{
	const char *syslog = syslog_path(target);
	bool is_new = false;
	int fd;

	if (check_target(target, e) != ERR_OK)
		return e->code;
	if (kind_of(target) == SINK_NET)
		return open_net(s, target, e);
	if (kind_of(target) == SINK_STDERR)
		fd = open_stderr();
	else
		fd = syslog != NULL ? syslog_connect(syslog) : open_log_file(target, &is_new);
	if (fd < 0 && syslog != NULL)
		return err_sys(e, errno, "cannot reach syslog at %s", syslog);
	if (fd < 0)
		return err_set(e, ERR_SYSTEM, "cannot open the log file %s: %s", target,
			       trusted_text(errno));
	set_fd(s, fd, is_new);
	note_target(s, target);
	return ERR_OK;
}

enum err sink_take(struct sink *s, const char *target, int fd, struct error *e)
{
	if (check_target(target, e) != ERR_OK) {
		(void)close(fd); /* nothing was written */
		return e->code;
	}
	if (kind_of(target) == SINK_NET)
		return take_net(s, target, fd, e);
	set_fd(s, fd, false);
	note_target(s, target);
	return ERR_OK;
}

enum err sink_reopen(struct sink *s, struct error *e)
{
	return s->kind == SINK_FILE ? sink_open(s, s->target, e) : ERR_OK;
}

/* ---- writing ---- */

static bool send_syslog(struct sink *s, const char *line, size_t n)
{
	if (send(s->fd, line, n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return true;
	if (errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET)
		return false;
	/* The syslog daemon was restarted: it has a new socket. */
	int fd = syslog_connect(syslog_path(s->target));
	if (fd < 0)
		return false;
	set_fd(s, fd, false);
	return send(s->fd, line, n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/* Pipes know RWF_NOWAIT (since Linux 6.4); a terminal's room is only asked for. */
static ssize_t ask_and_write(int fd, const char *line, size_t n)
{
	struct iovec whole = { .iov_base = (void *)(uintptr_t)line, .iov_len = n };
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t wrote = pwritev2(fd, &whole, 1, -1, RWF_NOWAIT);

	if (wrote >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL))
		return wrote;
	if (poll(&p, 1, 0) != 0)
		return write(fd, line, n);
	errno = EAGAIN;
	return -1;
}

static ssize_t write_once(const struct sink *s, const char *line, size_t n)
{
	if (s->way == SINK_SEND)
		return send(s->fd, line, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	return s->way == SINK_WRITE ? write(s->fd, line, n) : ask_and_write(s->fd, line, n);
}

bool sink_write(struct sink *s, const char *line, size_t n)
{
	ssize_t wrote;

	if (s->kind == SINK_NET)
		return syslog_net_send(&s->net, (struct str){ line, n }, STR(""), 0);
	if (s->kind == SINK_SYSLOG)
		return send_syslog(s, line, n);
	do {
		wrote = write_once(s, line, n);
	} while (wrote < 0 && errno == EINTR);
	if (wrote > 0)
		s->is_torn = wrote < (ssize_t)n;
	if (wrote >= 0 && s->is_torn)
		errno = ENOSPC; /* what a full disk says from the next write on */
	return wrote == (ssize_t)n;
}
