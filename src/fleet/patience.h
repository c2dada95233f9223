/*
 * How long a process may take to load. What counts is the time in which it ran or waited for
 * something of its own (a file, a name), not the time in which other processes had the CPU: a busy
 * machine fails no reload. Four times the limit ends it in any case.
 */
#ifndef NEAP_FLEET_PATIENCE_H
#define NEAP_FLEET_PATIENCE_H

#include <stdint.h>
#include <sys/types.h>

struct patience {
	pid_t pid;
	uint32_t limit_ms;
	int64_t since_ms;
	int64_t queued_ms; /* how long it had waited for the CPU by then */
};

/* now_ms: by the same clock as for patience_left_ms. */
void patience_begin(struct patience *p, pid_t pid, uint32_t limit_ms, int64_t now_ms);

/* Milliseconds until it is worth asking again; 0: its time is over. */
int64_t patience_left_ms(const struct patience *p, int64_t now_ms);

#endif
