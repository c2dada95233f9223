/*
 * Forking: the one place where a process of neap begins and, for all but the first, ends. A child
 * starts with default signal handling (what the terminal sends to a whole group is ignored: the
 * master decides), is killed by the kernel when its parent dies, and has a channel to it.
 */
#ifndef NEAP_APP_CHILD_H
#define NEAP_APP_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct child {
	pid_t pid;   /* 0: none */
	int channel; /* the parent's end; the caller closes it */
};

/*
 * Runs `run(ctx, channel)` in a new process called "neap: NAME" (cut at 15 bytes); what it returns
 * is the exit status. The child has all descriptors of the parent but the other end of its channel.
 */
enum err child_fork(struct child *c, const char *name, int (*run)(void *ctx, int channel),
		    void *ctx, struct error *e);

/*
 * Asks the kernel for SIGKILL when the parent ends. A change of user or group revokes it: call it
 * again.
 */
void child_die_with_parent(void);

/* How a process ended, from waitpid: "was killed by signal 9 (Killed)", "ended with status 1". */
void child_describe_end(int status, char *to, size_t size);

/* Ends it by SIGKILL if need be and waits for it (only where no loop runs). Returns its status. */
int child_finish(struct child *c, bool must_kill);

#endif
