/*
 * A file of lines that traffic writes and never waits for: lines are gathered in memory and
 * written in batches by a thread of its own. When the disk is slower than the traffic, or full,
 * lines are left out and counted.
 */
#ifndef NEAP_BASE_LINES_H
#define NEAP_BASE_LINES_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct lines;

/*
 * TARGET: "stdout", "stderr", "syslog" (the unix datagram socket /dev/log, "syslog:/path" one
 * elsewhere; one datagram per line), a syslog server (base/syslog_net.h) or a file's path (appended to, mode 0640). The caller ends it
 * with lines_close. ERR_SYSTEM: it cannot be opened.
 */
enum err lines_open(struct lines **l, const char *target, struct error *e);

/*
 * Room for a line of N bytes, its end included: the caller fills it at once and calls nothing else
 * of this header before lines_added. NULL: there is none; the line is counted as lost.
 */
char *lines_room(struct lines *l, size_t n);

/* The line in the room that was given has N bytes, the newline included. */
void lines_added(struct lines *l, size_t n);

/*
 * Hands the lines that wait to the writer. While the writer is busy they wait for a later call.
 * Logs what the writer could not do. True: something is under way, call again in a while.
 */
bool lines_flush(struct lines *l);

/* Opens a file again under its path, after rotation; the writer does it before its next batch. */
void lines_reopen(struct lines *l);

/* Lines left out so far, for want of room or because they could not be written. */
uint64_t lines_lost(const struct lines *l);

/* Writes what is left, for at most a second, and frees it. */
void lines_close(struct lines *l);

#endif
