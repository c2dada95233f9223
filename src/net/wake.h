/*
 * Waking one loop from another process, by an eventfd that both have.
 */
#ifndef NEAP_NET_WAKE_H
#define NEAP_NET_WAKE_H

#include "net/loop.h"

struct wake {
	struct loop *loop;
	ev_io watcher;
	void (*on_wake)(struct wake *self); /* once, however often it was sent */
};

/* Does not listen yet. fd stays the caller's; -1: nobody ever wakes this loop. */
void wake_init(struct wake *w, struct loop *loop, int fd, void (*on_wake)(struct wake *self));
void wake_start(struct wake *w);
void wake_stop(struct wake *w); /* harmless when it does not listen */

/* Wakes the loop that listens on this eventfd. */
void wake_send(int fd);

#endif
