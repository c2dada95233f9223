#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/sink.h"
#include "base/str.h"
#include "base/syslog_net.h"
#include "base/utf8.h"

#define CUT_MARK "…"

enum {
	LINE_BYTES = 4096, /* PIPE_BUF: a write of it to a pipe is never torn */
	SYSLOG_DAEMON = 3 << 3,
	LIMIT_MS = 1000,
	NET_MS = 1000,
};

/* The one log of the process. */
static struct {
	struct sink sink;
	enum log_level level;
	uint64_t lost;
	uint64_t untold;				 /* lost, and no line says so yet */
	int why;					 /* errno of the last one */
	time_t second;					 /* the one that stamp shows */
	char stamp[32];					 /* without milliseconds */
	void (*on_warning)(void *ctx, const char *text); /* NULL: nobody listens */
	void *ctx;
} state = { .sink = { .kind = SINK_STDERR, .fd = STDERR_FILENO, .target = "stderr" },
	    .level = LOG_LEVEL_INFO,
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

/* A line being made. A piece that does not fit whole ends it. */
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

static void line_add_text(struct line *l, const char *text)
{
	const char *digits = "0123456789abcdef";
	size_t left = strlen(text);

	while (left > 0 && !l->cut) {
		size_t n = utf8_printable(text, left);

		if (n > 0) {
			line_add(l, text, n);
		} else {
			unsigned char c = (unsigned char)*text;
			char escaped[4] = { '\\', 'x', digits[c >> 4], digits[c & 15] };
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

/* A message that is sent needs no end of line. */
static bool is_sent(void)
{
	return state.sink.kind == SINK_SYSLOG || state.sink.kind == SINK_NET;
}

static void stamp_second(time_t now)
{
	const char *format = state.sink.kind == SINK_SYSLOG ? "%b %e %H:%M:%S"
							    : "%Y-%m-%dT%H:%M:%S";
	struct tm tm;

	if (now == state.second)
		return;
	state.second = now;
	/* RFC 3164 §4.1.2 wants local time. */
	if ((state.sink.kind == SINK_SYSLOG ? localtime_r(&now, &tm) : gmtime_r(&now, &tm)) ==
		    NULL ||
	    strftime(state.stamp, sizeof(state.stamp), format, &tm) == 0)
		state.stamp[0] = '\0';
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
	if (state.sink.kind == SINK_NET) {
		l->n = syslog_net_head(&state.sink.net, l->bytes, priorities[level], "log");
		return;
	}
	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
	stamp_second(now.tv_sec);
	if (state.sink.kind == SINK_SYSLOG)
		n = snprintf(l->bytes, sizeof(l->bytes),
			     "<%d>%s neap[%ld]: ", SYSLOG_DAEMON | priorities[level], state.stamp,
			     (long)getpid());
	else
		n = snprintf(l->bytes, sizeof(l->bytes), "%s.%03dZ %s ", state.stamp,
			     (int)(now.tv_nsec / 1000000), level_words[level]);
	if (n > 0)
		l->n = (size_t)n;
}

/* Before the first line that can be written again: how many could not, and why. */
static bool told_losses(void)
{
	struct line line;
	char text[160];

	if (state.untold == 0)
		return true;
	(void)snprintf(text, sizeof(text),
		       "lines of this log that could not be written: %" PRIu64 " (%s)",
		       state.untold, strerror(state.why));
	line_start(&line, LOG_LEVEL_WARN);
	if (state.sink.is_torn) { /* on a line of its own */
		memmove(line.bytes + 1, line.bytes, line.n++);
		line.bytes[0] = '\n';
	}
	line_add_text(&line, text);
	line_end(&line, false, !is_sent());
	if (!sink_write(&state.sink, line.bytes, line.n))
		return false;
	state.untold = 0;
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
	line_end(&line, cut, !is_sent());
	if (!told_losses() || !sink_write(&state.sink, line.bytes, line.n)) {
		state.why = errno;
		state.lost++;
		state.untold++;
	}
	errno = sys;
}

/* Each kind of target has its own stamp, and what another target lost is not told here. */
static enum err begin_anew(enum err err, enum log_level level, bool is_same)
{
	if (err != ERR_OK)
		return err;
	state.level = level;
	state.second = -1;
	if (!is_same)
		state.untold = 0;
	return ERR_OK;
}

static bool is_target(const char *target)
{
	return strcmp(target, state.sink.target) == 0;
}

/* The log before it is the last place to say that nobody answers. */
static enum err open_net(const char *target, struct error *e)
{
	struct sink next = { .fd = -1 };
	enum err err = sink_open(&next, target, e);

	if (err != ERR_OK)
		return err;
	if (!syslog_net_is_up(&next.net, NET_MS))
		log_warn("log.target %s: %s: lines are left out until it answers", target,
			 strerror(errno));
	sink_close(&state.sink);
	state.sink = next;
	return ERR_OK;
}

enum err log_open(const char *target, enum log_level level, struct error *e)
{
	bool is_same = is_target(target);

	if (syslog_net_is(target))
		return begin_anew(open_net(target, e), level, is_same);
	return begin_anew(sink_open(&state.sink, target, e), level, is_same);
}

enum err log_take(const char *target, enum log_level level, int fd, struct error *e)
{
	bool is_same = is_target(target);

	return begin_anew(sink_take(&state.sink, target, fd, e), level, is_same);
}

enum err log_reopen(struct error *e)
{
	return sink_reopen(&state.sink, e);
}

int log_fd(void)
{
	return sink_fd(&state.sink);
}

const char *log_target(void)
{
	return state.sink.target;
}

void log_give(uid_t uid)
{
	if (state.sink.is_new)
		(void)!fchown(state.sink.fd, uid, (gid_t)-1); /* it is written to all the same */
}

bool log_enabled(enum log_level level)
{
	return level >= state.level;
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

void log_hear(void (*on_warning)(void *ctx, const char *text), void *ctx)
{
	state.on_warning = on_warning;
	state.ctx = ctx;
}

static void tell_warning(const char *format, va_list values) printf_like(1, 0);

static void tell_warning(const char *format, va_list values)
{
	char text[LINE_BYTES];

	if (vsnprintf(text, sizeof(text), format, values) >= 0)
		state.on_warning(state.ctx, text);
}

void log_warn(const char *format, ...)
{
	va_list values;
	if (unlikely(state.on_warning != NULL)) {
		va_start(values, format);
		tell_warning(format, values);
		va_end(values);
	}
	if (!log_enabled(LOG_LEVEL_WARN))
		return;
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
	return state.lost;
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
