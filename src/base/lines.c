#include "base/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/cc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/syslog.h"
#include "base/syslog_net.h"
#include "base/trusted.h"

enum {
	BATCH_BYTES = 1024 * 1024,
	DAEMON_INFO = (3 << 3) | 6, /* RFC 3164 §4.1.1 */
	CLOSE_S = 1,
	BEHIND_MS = 10000,
	INFO = 6,
	NET_WAIT_MS = 5000,
	FORGET_TRIES = 5000,
};

enum { OPEN_FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY };

enum kind { KIND_FILE, KIND_STREAM, KIND_SYSLOG, KIND_NET };

struct batch {
	char *bytes;
	size_t n;
};

struct lines {
	enum kind kind;
	int fd;		       /* the writer's, once it runs */
	struct syslog_net net; /* the same, of KIND_NET */
	char path[PATH_MAX];
	struct batch filling; /* the caller's */
	_Atomic uint64_t lost;
	bool is_behind;	     /* lines were lost for want of room, and the log does not say so yet */
	int64_t behind_ms;   /* when it said so last; 0: never */
	_Atomic int trouble; /* errno that is yet to be logged, by the caller's thread only */

	pthread_t thread;
	pid_t tid;
	pthread_mutex_t mutex;
	pthread_cond_t wake, idle;
	/* under the mutex */
	struct batch writing; /* the writer's while n > 0 */
	bool must_reopen, must_end;
	bool is_busy; /* the writer writes or opens: either may take as long as it likes */

	/* the writer's */
	bool torn;     /* the end of the last line is missing */
	bool is_quiet; /* the log says already that lines cannot be written */
};

static int target_open(const struct lines *l)
{
	if (l->kind == KIND_STREAM)
		return l->fd;
	if (l->kind == KIND_SYSLOG)
		return syslog_connect(l->path);
	return trusted_open(l->path, OPEN_FLAGS, 0640);
}

static void target_close(struct lines *l)
{
	if (l->kind != KIND_STREAM && l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}

/* ---- the writer ---- */

static void lose_lines(struct lines *l, const char *bytes, size_t n)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += bytes[i] == '\n';
	atomic_fetch_add_explicit(&l->lost, lines, memory_order_relaxed);
	if (!l->is_quiet)
		atomic_store_explicit(&l->trouble, errno, memory_order_relaxed);
	l->is_quiet = true;
}

/*
 * How much goes with one write: to a pipe no more than it takes in one piece (PIPE_BUF), so that
 * the lines of two workers do not mix.
 */
static size_t portion(const struct lines *l, const char *bytes, size_t n)
{
	if (l->kind != KIND_STREAM || n <= PIPE_BUF)
		return n;
	const char *end = memrchr(bytes, '\n', PIPE_BUF);
	if (end == NULL)
		end = memchr(bytes, '\n', n);
	return end == NULL ? n : (size_t)(end - bytes) + 1;
}

static void write_file(struct lines *l, const char *bytes, size_t n)
{
	size_t sent = 0;

	if (l->torn && write(l->fd, "\n", 1) == 1)
		l->torn = false;
	while (sent < n) {
		ssize_t wrote = write(l->fd, bytes + sent, portion(l, bytes + sent, n - sent));
		if (wrote > 0)
			sent += (size_t)wrote;
		else if (wrote == 0 || errno != EINTR)
			break;
	}
	if (sent > 0)
		l->torn = bytes[sent - 1] != '\n';
	if (sent < n)
		lose_lines(l, bytes + sent, n - sent);
	else
		l->is_quiet = false;
}

static bool send_line(const struct lines *l, struct str line)
{
	char head[80], stamp[32];
	struct tm tm;
	time_t now = time(NULL);

	if (localtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &tm) == 0)
		stamp[0] = '\0';
	int n = snprintf(head, sizeof(head), "<%d>%s neap[%ld]: ", DAEMON_INFO, stamp,
			 (long)getpid());
	struct iovec parts[] = { { head, n > 0 ? (size_t)n : 0 }, { (void *)line.p, line.n } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = countof(parts) };
	return sendmsg(l->fd, &m, MSG_NOSIGNAL) >= 0;
}

static void write_syslog(struct lines *l, const char *bytes, size_t n)
{
	struct str rest = { bytes, n }, line;

	while (str_split(&rest, '\n', &line)) {
		if (line.n == 0 || send_line(l, line))
			continue;
		/* The daemon was restarted: it has a new socket. */
		target_close(l);
		l->fd = target_open(l);
		if (l->fd < 0 || !send_line(l, line)) {
			lose_lines(l, line.p, (size_t)(bytes + n - line.p));
			return;
		}
	}
	l->is_quiet = false;
}

static void write_net(struct lines *l, const char *bytes, size_t n)
{
	struct str rest = { bytes, n }, line;
	char head[SYSLOG_NET_HEAD_MAX];

	while (str_split(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		size_t head_n = syslog_net_head(&l->net, head, INFO, "access");
		if (syslog_net_send(&l->net, (struct str){ head, head_n }, line, NET_WAIT_MS))
			l->is_quiet = false;
		else
			lose_lines(l, line.p, line.n + 1);
	}
}

static void reopen_target(struct lines *l)
{
	if (l->kind == KIND_STREAM || l->kind == KIND_NET)
		return;
	int fd = target_open(l);
	if (fd < 0) {
		atomic_store_explicit(&l->trouble, errno, memory_order_relaxed);
		return;
	}
	target_close(l);
	l->fd = fd;
	l->torn = false;
}

static void write_batch(struct lines *l, const struct batch *b)
{
	if (l->kind == KIND_NET)
		write_net(l, b->bytes, b->n);
	else if (l->kind == KIND_SYSLOG)
		write_syslog(l, b->bytes, b->n);
	else
		write_file(l, b->bytes, b->n);
}

static void *writer(void *arg)
{
	struct lines *l = arg;

	(void)pthread_mutex_lock(&l->mutex);
	l->tid = gettid();
	for (;;) {
		while (l->writing.n == 0 && !l->must_end && !l->must_reopen)
			(void)pthread_cond_wait(&l->wake, &l->mutex);
		if (l->writing.n == 0 && !l->must_reopen)
			break; /* the end */
		bool must_reopen = l->must_reopen;
		l->must_reopen = false;
		l->is_busy = true;
		struct batch b = l->writing;
		(void)pthread_mutex_unlock(&l->mutex);
		if (must_reopen)
			reopen_target(l);
		if (b.n > 0)
			write_batch(l, &b);
		(void)pthread_mutex_lock(&l->mutex);
		if (b.n > 0) /* else the caller may have handed over while the target was opened */
			l->writing.n = 0;
		l->is_busy = false;
		(void)pthread_cond_signal(&l->idle);
	}
	(void)pthread_mutex_unlock(&l->mutex);
	return NULL;
}

/* ---- the caller ---- */

static void free_lines(struct lines *l)
{
	target_close(l);
	if (l->kind == KIND_NET)
		syslog_net_close(&l->net);
	free(l->filling.bytes);
	free(l->writing.bytes);
	(void)pthread_cond_destroy(&l->wake);
	(void)pthread_cond_destroy(&l->idle);
	(void)pthread_mutex_destroy(&l->mutex);
	free(l);
}

/* Signals go to the caller's thread: the fuse relies on it. */
static int start_writer(struct lines *l)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&l->thread, NULL, writer, l);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

/* Opening a pipe waits for a reader: the writer does that. */
static bool is_pipe(const struct lines *l)
{
	struct stat s;

	return l->kind == KIND_FILE && stat(l->path, &s) == 0 && S_ISFIFO(s.st_mode);
}

static enum err open_target(struct lines *l, const char *target, struct error *e)
{
	const char *syslog = syslog_path(target), *path = syslog != NULL ? syslog : target;

	l->kind = syslog != NULL ? KIND_SYSLOG : KIND_FILE;
	if (strcmp(target, "stdout") == 0 || strcmp(target, "stderr") == 0) {
		l->kind = KIND_STREAM;
		l->fd = strcmp(target, "stdout") == 0 ? STDOUT_FILENO : STDERR_FILENO;
	}
	if (!str_copy(l->path, sizeof(l->path), str_of(path)) || path[0] == '\0')
		return err_set(e, ERR_INVALID, "access_log.target \"%.100s\": not a usable path",
			       target);
	if (syslog_net_is(target)) {
		l->kind = KIND_NET;
		return syslog_net_open(&l->net, target, e);
	}
	if (is_pipe(l)) {
		l->must_reopen = true;
		return ERR_OK;
	}
	l->fd = target_open(l);
	if (l->fd >= 0)
		return ERR_OK;
	int sys = errno;
	return err_set(e, ERR_SYSTEM, "cannot open the access log %s: %s%s", l->path,
		       trusted_text(sys),
		       sys == EACCES ? " (workers open it with the rights of `user`, who must be "
				       "able to write it, and to its folder)"
				     : "");
}

enum err lines_open(struct lines **out, const char *target, struct error *e)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the access log");
	l->fd = -1;
	(void)pthread_mutex_init(&l->mutex, NULL);
	(void)pthread_cond_init(&l->wake, NULL);
	(void)pthread_cond_init(&l->idle, NULL);
	l->filling.bytes = malloc(BATCH_BYTES);
	l->writing.bytes = malloc(BATCH_BYTES);
	enum err err = l->filling.bytes == NULL || l->writing.bytes == NULL
			       ? err_set(e, ERR_MEMORY, "no memory for the access log")
			       : open_target(l, target, e);
	if (err == ERR_OK) {
		int failed = start_writer(l);
		if (failed != 0)
			err = err_sys(e, failed, "cannot start the writer of the access log");
	}
	if (err != ERR_OK) {
		free_lines(l);
		return err;
	}
	*out = l;
	return ERR_OK;
}

/* Nothing fails, but lines come faster than they are written. */
static void tell_behind(struct lines *l)
{
	int64_t now_ms = clock_now_ms();

	if (l->behind_ms != 0 && now_ms - l->behind_ms < BEHIND_MS)
		return;
	l->behind_ms = now_ms;
	l->is_behind = false;
	log_error("access log %s: it takes lines more slowly than they come (lines left out "
		  "so far: %" PRIu64 ")",
		  l->path, lines_lost(l));
}

char *lines_room(struct lines *l, size_t n)
{
	if (likely(n <= BATCH_BYTES - l->filling.n))
		return l->filling.bytes + l->filling.n;
	(void)lines_flush(l);
	if (n <= BATCH_BYTES - l->filling.n)
		return l->filling.bytes + l->filling.n;
	atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
	l->is_behind = true;
	tell_behind(l);
	return NULL;
}

void lines_added(struct lines *l, size_t n)
{
	l->filling.n += n;
}

/* Under the mutex, while the writer is idle. */
static void start_batch(struct lines *l)
{
	struct batch empty = l->writing;

	l->writing = l->filling;
	l->filling = empty;
	(void)pthread_cond_signal(&l->wake);
}

static void tell_trouble(struct lines *l)
{
	int sys = atomic_load_explicit(&l->trouble, memory_order_relaxed);

	if (likely(sys == 0))
		return;
	atomic_store_explicit(&l->trouble, 0, memory_order_relaxed);
	log_error("access log %s: %s (lines left out so far: %" PRIu64 ")", l->path, strerror(sys),
		  lines_lost(l));
}

bool lines_flush(struct lines *l)
{
	bool is_busy = true;

	tell_trouble(l);
	if (unlikely(l->is_behind))
		tell_behind(l);
	if (pthread_mutex_trylock(&l->mutex) != 0)
		return true;
	if (l->writing.n == 0) {
		is_busy = l->filling.n > 0;
		if (is_busy)
			start_batch(l);
	}
	(void)pthread_mutex_unlock(&l->mutex);
	return is_busy;
}

void lines_reopen(struct lines *l)
{
	(void)pthread_mutex_lock(&l->mutex);
	l->must_reopen = true;
	(void)pthread_cond_signal(&l->wake);
	(void)pthread_mutex_unlock(&l->mutex);
}

uint64_t lines_lost(const struct lines *l)
{
	return atomic_load_explicit(&l->lost, memory_order_relaxed);
}

/* Under the mutex. False: the writer is still busy at that time. */
static bool wait_idle(struct lines *l, const struct timespec *until)
{
	while (l->writing.n > 0 || l->is_busy || l->must_reopen) {
		if (pthread_cond_timedwait(&l->idle, &l->mutex, until) != 0)
			return false;
	}
	return true;
}

/*
 * pthread_join returns a moment before the kernel has forgotten a thread, and the leak check, which
 * stops all threads at exit, complains of one that is half gone.
 */
static void wait_until_forgotten(pid_t tid)
{
	const struct timespec a_little = { .tv_nsec = 100000 };

	for (int i = 0; i < FORGET_TRIES && tgkill(getpid(), tid, 0) == 0; i++)
		(void)nanosleep(&a_little, NULL);
}

void lines_close(struct lines *l)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until); /* cannot fail for this clock */
	until.tv_sec += CLOSE_S;
	(void)pthread_mutex_lock(&l->mutex);
	bool is_idle = wait_idle(l, &until);
	if (is_idle && l->filling.n > 0) {
		start_batch(l);
		is_idle = wait_idle(l, &until);
	}
	l->must_end = true;
	(void)pthread_cond_signal(&l->wake);
	(void)pthread_mutex_unlock(&l->mutex);
	if (!is_idle) {
		(void)pthread_detach(l->thread); /* stuck in a write; the process ends soon */
		return;
	}
	(void)pthread_join(l->thread, NULL);
	if (CC_ASAN)
		wait_until_forgotten(l->tid);
	free_lines(l);
}
