/*
 * Where the lines of the log go. Writing never waits: a target that is slow, full or stalled takes
 * no line, and the caller counts it.
 *
 * Standard error is shared with the process that started us: a non-blocking description would be
 * non-blocking for that process, too. So a pipe or a terminal is opened once more, which gives a
 * description of our own; a socket is written to with MSG_DONTWAIT; where neither is possible the
 * kernel is asked by RWF_NOWAIT or poll before each line.
 */
#ifndef NEAP_BASE_SINK_H
#define NEAP_BASE_SINK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/syslog_net.h"

enum sink_kind { SINK_STDERR, SINK_FILE, SINK_SYSLOG, SINK_NET };

/* How a line is written without waiting. */
enum sink_way {
	SINK_ASK,   /* the description is shared: ask first */
	SINK_WRITE, /* a regular file, or a description of our own that does not block */
	SINK_SEND,  /* a socket */
};

struct sink {
	enum sink_kind kind;
	enum sink_way way;
	int fd;		       /* owned, but for STDERR_FILENO; -1 for SINK_NET */
	struct syslog_net net; /* of SINK_NET */
	bool is_new;	       /* the file was made by sink_open or sink_reopen */
	bool is_torn;	       /* the last line is there in part */
	char target[PATH_MAX]; /* as the config names it */
};

/* TARGET as for log_open. On failure *s is as it was. */
enum err sink_open(struct sink *s, const char *target, struct error *e);

/* The same with a descriptor that is open already, which is taken over in any case. */
enum err sink_take(struct sink *s, const char *target, int fd, struct error *e);

/* Opens a file again under its path; other targets stay as they are. On failure *s is as it was. */
enum err sink_reopen(struct sink *s, struct error *e);

/* The descriptor to hand to another process. */
int sink_fd(const struct sink *s);

/* Ends it. */
void sink_close(struct sink *s);

/* One line. False: not written, or not whole; errno says why. */
bool sink_write(struct sink *s, const char *line, size_t n);

#endif
