/*
 * Detaching (-d). The command's process waits until the daemon is ready or has failed, and its exit
 * status says which.
 */
#ifndef NEAP_FLEET_DAEMON_H
#define NEAP_FLEET_DAEMON_H

#include <stdbool.h>

#include "base/err.h"

struct daemon {
	int ready_fd; /* in the daemon: where to say so; -1: not detached */
};

/*
 * Forks. In the daemon *is_parent is false; it has a session of its own, and still the command's
 * standard error. In the command *is_parent is true, and the function returns when the daemon is
 * ready or gone; *status is what the command exits with.
 */
enum err daemon_fork(struct daemon *d, bool *is_parent, int *status, struct error *e);

/* Lets go of terminal and folder. The daemon's children have them too, and call it themselves. */
void daemon_let_go(void);

/* The daemon is ready: it lets go in the same way, and the command ends with 0. */
void daemon_set_ready(struct daemon *d);

#endif
