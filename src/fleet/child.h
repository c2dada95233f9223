/*
 * Forking: here each process of neap but the first begins and ends. A child starts with default
 * signal handling, but ignores what a terminal sends to a whole group: the master decides. The
 * kernel kills it when its parent dies. It has a channel to the parent.
 */
#ifndef NEAP_FLEET_CHILD_H
#define NEAP_FLEET_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct child {
	pid_t pid;   /* 0: none */
	int channel; /* the parent's end; the caller closes it */
};

/*
 * Runs `run(ctx, channel)` in a new process called "neap: NAME" (cut at 15 bytes). What `run`
 * returns is the exit status. The child has all descriptors of the parent but the other end of its
 * channel.
 */
enum err child_fork(struct child *c, const char *name, int (*run)(void *ctx, int channel),
		    void *ctx, struct error *e);

/*
 * Asks the kernel for SIGKILL when the parent ends. A change of user or group revokes that: call it
 * again.
 */
void child_die_with_parent(void);

/* How a process ended, from waitpid: "was killed by signal 9 (Killed)", "ended with status 1". */
void child_describe_end(int status, char *to, size_t size);

/* Waits for its end, after SIGKILL if must_kill. Only where no loop runs. Returns its status. */
int child_finish(struct child *c, bool must_kill);

#endif
