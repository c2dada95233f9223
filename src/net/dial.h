/*
 * A non-blocking connect over a list of addresses, tried in turn. The caller owns the deadline (a
 * timer) and calls dial_cancel when it is over.
 */
#ifndef NEAP_NET_DIAL_H
#define NEAP_NET_DIAL_H

#include "net/stream.h"

#define DIAL_ADDRS_MAX 8

struct dial {
	struct loop *loop;
	ev_io writer;
	int fd;
	int sys; /* errno of the last address that failed */
	unsigned next, count;
	struct addr addrs[DIAL_ADDRS_MAX];
	/* The end of it: a connected fd (the callee's from now on), or -1 with self->sys. */
	void (*on_done)(struct dial *self, int fd);
};

/*
 * Starts. When it is decided at once (unix sockets, loopback) on_done is not called:
 * returns true with *fd = the connected fd or -1. Returns false when it is in progress.
 */
bool dial_start(struct dial *d, struct loop *loop, const struct addr *addrs, unsigned count,
		void (*on_done)(struct dial *self, int fd), int *fd);
void dial_cancel(struct dial *d); /* harmless when none is in progress */

#endif
