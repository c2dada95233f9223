/*
 * Detaching (-d): the command's process waits until the daemon is ready or has failed, and answers
 * with its status.
 */
#ifndef NEAP_APP_DAEMON_H
#define NEAP_APP_DAEMON_H

#include <stdbool.h>

#include "base/err.h"

struct daemon {
	int ready_fd; /* in the daemon: where to say so; -1: not detached */
};

/*
 * Forks. In the daemon: *IS_PARENT false, in a session of its own, standard error still that of the
 * command. In the command: returns when the daemon is ready or gone, *STATUS is what the command
 * exits with.
 */
enum err daemon_fork(struct daemon *d, bool *is_parent, int *status, struct error *e);

/* Lets go of terminal and folder: in the daemon's children, which have them too. */
void daemon_let_go(void);

/* Ready: the same, and the command returns 0. */
void daemon_set_ready(struct daemon *d);

#endif
