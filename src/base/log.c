#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/syslog.h"

#define CUT_MARK "…"

enum {
	LINE_BYTES = 4096, /* PIPE_BUF: a write of it to a pipe is never torn */
	SYSLOG_DAEMON = 3 << 3,
	LIMIT_MS = 1000,
};

enum sink_kind { SINK_STDERR, SINK_FILE, SINK_SYSLOG };

struct sink {
	enum sink_kind kind;
	enum log_level level;
	int fd;
	char path[PATH_MAX];
	uint64_t lost;
	uint64_t untold; /* of these, no line says so yet */
	int why;	 /* errno of the last one */
	bool torn;	 /* the last one is there in part */
	time_t second;	 /* what stamp[] says, */
	char stamp[32];	 /* without the milliseconds */
};

static struct sink sink = { .kind = SINK_STDERR,
			    .level = LOG_LEVEL_INFO,
			    .fd = STDERR_FILENO,
			    .second = -1 };

static const char *const level_words[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_ERROR] = "error",
};

bool log_level_of(const char *word, enum log_level *level)
{
	for (unsigned i = 0; i < countof(level_words); i++) {
		if (strcmp(word, level_words[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* A line under construction; a piece that does not fit whole closes it. */
struct line {
	size_t n;
	bool cut;
	char bytes[LINE_BYTES];
};

static void line_add(struct line *l, const char *piece, size_t n)
{
	const size_t limit = sizeof(l->bytes) - sizeof(CUT_MARK); /* the mark and a newline */

	if (l->cut)
		return;
	if (n > limit - l->n) {
		l->cut = true;
		return;
	}
	memcpy(l->bytes + l->n, piece, n);
	l->n += n;
}

static void line_end(struct line *l, bool cut, bool newline)
{
	if (l->cut || cut) {
		memcpy(l->bytes + l->n, CUT_MARK, sizeof(CUT_MARK) - 1);
		l->n += sizeof(CUT_MARK) - 1;
	}
	if (newline)
		l->bytes[l->n++] = '\n';
}

/*
 * The length of the printable character at p, 0 for one that must be escaped: controls (C1 too: on
 * many terminals they start commands) and what is no UTF-8 (RFC 3629 §4).
 */
static size_t printable(const unsigned char *p, size_t left)
{
	unsigned char low = 0x80, high = 0xBF; /* the bounds of the second byte */
	size_t n;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7F;
	if (p[0] < 0xC2 || p[0] > 0xF4)
		return 0;
	n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	if (p[0] == 0xC2 || p[0] == 0xE0)
		low = 0xA0;
	else if (p[0] == 0xF0)
		low = 0x90;
	else if (p[0] == 0xED)
		high = 0x9F;
	else if (p[0] == 0xF4)
		high = 0x8F;
	if (n > left || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	}
	return n;
}

static void line_add_text(struct line *l, const char *text)
{
	const char *digits = "0123456789abcdef";
	size_t left = strlen(text);

	while (left > 0 && !l->cut) {
		const unsigned char *p = (const unsigned char *)text;
		size_t n = printable(p, left);

		if (n > 0) {
			line_add(l, text, n);
		} else {
			char escaped[4] = { '\\', 'x', digits[*p >> 4], digits[*p & 15] };
			line_add(l, escaped, sizeof(escaped));
			n = 1;
		}
		text += n;
		left -= n;
	}
}

/* A text cut by vsnprintf may end within a character: that end is no error of the text. */
static void drop_torn_end(char *text, size_t n)
{
	size_t tail = 0;

	while (tail < 3 && tail < n && ((unsigned char)text[n - 1 - tail] & 0xC0) == 0x80)
		tail++;
	if (tail < n && (unsigned char)text[n - 1 - tail] >= 0xC0)
		text[n - 1 - tail] = '\0';
}

static void stamp_second(time_t now)
{
	const char *format = sink.kind == SINK_SYSLOG ? "%b %e %H:%M:%S" : "%Y-%m-%dT%H:%M:%S";
	struct tm tm;

	if (now == sink.second)
		return;
	sink.second = now;
	/* RFC 3164 §4.1.2 wants local time. */
	if ((sink.kind == SINK_SYSLOG ? localtime_r(&now, &tm) : gmtime_r(&now, &tm)) == NULL ||
	    strftime(sink.stamp, sizeof(sink.stamp), format, &tm) == 0)
		sink.stamp[0] = '\0';
}

static void line_start(struct line *l, enum log_level level)
{
	static const int priorities[] = { [LOG_LEVEL_DEBUG] = 7,
					  [LOG_LEVEL_INFO] = 6,
					  [LOG_LEVEL_WARN] = 4,
					  [LOG_LEVEL_ERROR] = 3 };
	struct timespec now;
	int n;

	l->n = 0;
	l->cut = false;
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	stamp_second(now.tv_sec);
	if (sink.kind == SINK_SYSLOG)
		n = snprintf(l->bytes, sizeof(l->bytes),
			     "<%d>%s neap[%ld]: ", SYSLOG_DAEMON | priorities[level], sink.stamp,
			     (long)getpid());
	else
		n = snprintf(l->bytes, sizeof(l->bytes), "%s.%03dZ %s ", sink.stamp,
			     (int)(now.tv_nsec / 1000000), level_words[level]);
	if (n > 0)
		l->n = (size_t)n;
}

/* Not blocking, for the path may be a FIFO; without a reader it is refused here. */
static int file_open(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

static bool syslog_send(const struct line *l)
{
	if (send(sink.fd, l->bytes, l->n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return true;
	if (errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET)
		return false;
	/* The syslog daemon was started again: its socket is another one now. */
	int fd = syslog_connect(sink.path);
	if (fd < 0)
		return false;
	(void)close(sink.fd);
	sink.fd = fd;
	return send(sink.fd, l->bytes, l->n, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

/*
 * The descriptor of stderr is shared with whoever started us, so it cannot be made non-blocking: a
 * pipe that nobody empties is asked about first. (One free page of a pipe takes any of our lines.)
 */
static bool would_block(void)
{
	struct pollfd p = { .fd = sink.fd, .events = POLLOUT };

	if (sink.kind != SINK_STDERR || poll(&p, 1, 0) != 0)
		return false;
	errno = EAGAIN;
	return true;
}

static bool line_write(const struct line *l)
{
	ssize_t n;

	if (sink.kind == SINK_SYSLOG)
		return syslog_send(l);
	if (would_block())
		return false;
	do {
		n = write(sink.fd, l->bytes, l->n);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		sink.torn = n < (ssize_t)l->n;
	if (n >= 0 && sink.torn)
		errno = ENOSPC; /* what a full disk says from the next write on */
	return n == (ssize_t)l->n;
}

/* Before the first line that gets through again: how many did not, and why. */
static bool told_losses(void)
{
	struct line line;
	char text[160];

	if (sink.untold == 0)
		return true;
	(void)snprintf(text, sizeof(text),
		       "lines of this log that could not be written: %" PRIu64 " (%s)", sink.untold,
		       strerror(sink.why));
	line_start(&line, LOG_LEVEL_WARN);
	if (sink.torn) { /* on a line of its own */
		memmove(line.bytes + 1, line.bytes, line.n++);
		line.bytes[0] = '\n';
	}
	line_add_text(&line, text);
	line_end(&line, false, sink.kind != SINK_SYSLOG);
	if (!line_write(&line))
		return false;
	sink.untold = 0;
	return true;
}

static void log_values(enum log_level level, const char *format, va_list values) printf_like(2, 0);

static void log_values(enum log_level level, const char *format, va_list values)
{
	char text[LINE_BYTES];
	struct line line;
	int sys = errno; /* the caller may still want it */

	int n = vsnprintf(text, sizeof(text), format, values);
	if (n < 0)
		text[0] = '\0';
	bool cut = n >= (int)sizeof(text);
	if (cut)
		drop_torn_end(text, sizeof(text) - 1);
	line_start(&line, level);
	line_add_text(&line, text);
	line_end(&line, cut, sink.kind != SINK_SYSLOG);
	if (!told_losses() || !line_write(&line)) {
		sink.why = errno;
		sink.lost++;
		sink.untold++;
	}
	errno = sys;
}

static void sink_set(enum sink_kind kind, int fd, const char *path)
{
	if (sink.kind != SINK_STDERR)
		(void)close(sink.fd);
	sink.kind = kind;
	sink.fd = fd;
	sink.torn = false;
	sink.second = -1; /* the kinds stamp in different ways */
	if (path != sink.path)
		(void)str_copy(sink.path, sizeof(sink.path),
			       str_of(path)); /* measured by the caller */
}

enum err log_open(const char *target, enum log_level level, struct error *e)
{
	const char *syslog = syslog_path(target);
	int fd = STDERR_FILENO;

	if (target[0] == '\0' || strlen(target) >= sizeof(sink.path))
		return err_set(e, ERR_INVALID, "log target \"%.100s\": not a usable path", target);
	if (syslog != NULL) {
		fd = syslog_connect(syslog);
		if (fd < 0)
			return err_sys(e, errno, "cannot reach syslog at %s", syslog);
		sink_set(SINK_SYSLOG, fd, syslog);
	} else if (strcmp(target, "stderr") == 0) {
		sink_set(SINK_STDERR, fd, "");
	} else {
		fd = file_open(target);
		if (fd < 0)
			return err_sys(e, errno, "cannot open the log file %s", target);
		sink_set(SINK_FILE, fd, target);
	}
	sink.untold = 0; /* those of the former one */
	sink.level = level;
	return ERR_OK;
}

enum err log_reopen(struct error *e)
{
	if (sink.kind != SINK_FILE)
		return ERR_OK;
	int fd = file_open(sink.path);
	if (fd < 0)
		return err_sys(e, errno, "cannot open the log file %s again", sink.path);
	sink_set(SINK_FILE, fd, sink.path);
	return ERR_OK;
}

bool log_enabled(enum log_level level)
{
	return level >= sink.level;
}

void log_at(enum log_level level, const char *format, ...)
{
	if (!log_enabled(level))
		return;
	va_list values;
	va_start(values, format);
	log_values(level, format, values);
	va_end(values);
}

void log_debug(const char *format, ...)
{
	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	va_list values;
	va_start(values, format);
	log_values(LOG_LEVEL_DEBUG, format, values);
	va_end(values);
}

void log_info(const char *format, ...)
{
	if (!log_enabled(LOG_LEVEL_INFO))
		return;
	va_list values;
	va_start(values, format);
	log_values(LOG_LEVEL_INFO, format, values);
	va_end(values);
}

void log_warn(const char *format, ...)
{
	if (!log_enabled(LOG_LEVEL_WARN))
		return;
	va_list values;
	va_start(values, format);
	log_values(LOG_LEVEL_WARN, format, values);
	va_end(values);
}

void log_error(const char *format, ...)
{
	va_list values;
	va_start(values, format);
	log_values(LOG_LEVEL_ERROR, format, values);
	va_end(values);
}

uint64_t log_lost(void)
{
	return sink.lost;
}

bool log_may(struct log_limit *limit, int64_t now_ms, uint32_t *skipped)
{
	/* 0 is a limiter that has never been asked, whatever the clock says. */
	if (limit->last_ms != 0 && now_ms - limit->last_ms < LIMIT_MS) {
		limit->skipped++;
		return false;
	}
	*skipped = limit->skipped;
	limit->skipped = 0;
	limit->last_ms = now_ms;
	return true;
}

const char *log_left_out(char to[LOG_LEFT_OUT_MAX], uint32_t skipped)
{
	to[0] = '\0';
	if (skipped > 0)
		(void)snprintf(to, LOG_LEFT_OUT_MAX, " (%" PRIu32 " more such lines were left out)",
			       skipped);
	return to;
}
