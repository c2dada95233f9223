/*
 * The error and health log: one line per entry, one write() per line, so that lines of several
 * processes never mix. One per process.
 *
 * A line: 2026-11-22T18:46:52.123Z warn backend http://127.0.0.1:8081 is dead.
 * (UTC time with milliseconds, level, text). Control characters in the text are written as \xNN,
 * so that no peer can forge a line; so are bytes that are not UTF-8. What cannot be written (full
 * disk, full pipe, stalled terminal) is counted, never waited for. A line has 4096 bytes at most; a
 * longer one ends in "…". A line for syslog has its level as the priority and the time as syslog
 * wants it (RFC 3164, facility daemon).
 */
#ifndef NEAP_BASE_LOG_H
#define NEAP_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cc.h"
#include "base/err.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
/* cdef end */

/* "debug", "info", "warn", "error" → *LEVEL; false for any other word. */
bool log_level_of(const char *word, enum log_level *level);

/*
 * Sends the log to TARGET: "stderr", "syslog" (the unix datagram socket /dev/log; "syslog:/path" is
 * one elsewhere), a syslog server (base/syslog_net.h) or a file's path (appended to, made with mode 0640; as root no link is followed
 * that others may have made, base/trusted.h). Before the first call the log goes to stderr at level
 * info. On failure it stays where it was.
 */
enum err log_open(const char *target, enum log_level level, struct error *e);

/* The same with a descriptor of that target, open already; it is taken over in any case. */
enum err log_take(const char *target, enum log_level level, int fd, struct error *e);

/* Opens the file again under its path (after rotation). No-op for stderr and syslog. */
enum err log_reopen(struct error *e);

/* The descriptor of the log, for log_take in another process, and the name of its target. */
int log_fd(void);
const char *log_target(void);

/* Gives the file to that user, if the last opening made it. */
void log_give(uid_t uid);

/* Are lines of this level written? For callers whose lines cost something to make. */
bool log_enabled(enum log_level level);

/* One line. It never waits; what is lost is counted. errno stays as it is. */
void log_at(enum log_level level, const char *format, ...) printf_like(2, 3);
void log_debug(const char *format, ...) printf_like(1, 2);
void log_info(const char *format, ...) printf_like(1, 2);
void log_warn(const char *format, ...) printf_like(1, 2);
void log_error(const char *format, ...) printf_like(1, 2);

/*
 * From now on each warning is told here as well, whatever the level is, with the text of its line; NULL:
 * no longer.
 */
void log_hear(void (*on_warning)(void *ctx, const char *text), void *ctx);

/* Lines that could not be written since the start of the process. */
uint64_t log_lost(void);

/*
 * For things that may repeat quickly: each limiter lets one line per second pass. log_may(&limit,
 * now_ms, &skipped) says whether to write now; *skipped is how many were left out since the last
 * line.
 */
struct log_limit {
	int64_t last_ms;
	uint32_t skipped;
};
bool log_may(struct log_limit *limit, int64_t now_ms, uint32_t *skipped);

/* For the end of such a line, in TO: " (3 more such lines were left out)", "" when none was. */
enum { LOG_LEFT_OUT_MAX = 48 };
const char *log_left_out(char to[LOG_LEFT_OUT_MAX], uint32_t skipped);

#endif
