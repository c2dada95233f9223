/*
 * The line of the access log that the config's function gave for a request (access_log.format). One a
 * process: the request that ends now has it.
 */
#ifndef NEAP_SCRIPT_LOG_LINE_H
#define NEAP_SCRIPT_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum log_line_answer {
	LOG_LINE_UNKNOWN = -1, /* the function did not answer */
	LOG_LINE_NONE,	       /* this request gets no line */
	LOG_LINE_TEXT
};

struct log_line {
	enum log_line_answer answer;
	char *text; /* owned; it grows, and `n` bytes of it are the last line */
	size_t n, room;
};

void log_line_init(struct log_line *l);
void log_line_fini(struct log_line *l);

/* Another request ends: no answer yet. */
static inline void log_line_reset(struct log_line *l)
{
	l->answer = LOG_LINE_UNKNOWN;
}

/* The function's answer, copied; text.p NULL: it wants no line. false: no memory. */
bool log_line_set(struct log_line *l, struct str text);

#endif
