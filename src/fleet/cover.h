/*
 * Which worker accepts in the place of one that is gone. The kernel goes on giving the sockets of
 * that slot their share of new connections, so another worker gets them until a process has the
 * slot again. In the master, as long as its generation lives.
 */
#ifndef NEAP_FLEET_COVER_H
#define NEAP_FLEET_COVER_H

#include "fleet/sockets.h"
#include "fleet/ward.h"
#include "shm/board_size.h"

struct cover {
	/* By slot: 1 + the slot of the worker that stands in; 0: none. */
	unsigned by[BOARD_WORKERS_MAX];
};

/*
 * A worker (by slot, as many as the set says) has ended or become ready: arranges its sockets anew.
 * While no worker is ready they wait for the next that is.
 */
void cover_arrange(struct cover *c, struct ward *workers, const struct socket_set *set);

#endif
