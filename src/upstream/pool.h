/*
 * Connections that are kept between requests, for each backend those of this worker. They keep their
 * read watcher armed: an end, or bytes that nobody asked for, close them at once.
 */
#ifndef NEAP_UPSTREAM_POOL_H
#define NEAP_UPSTREAM_POOL_H

#include "upstream/uconn.h"

/* What a request asks of a kept connection. */
enum pool_trust {
	POOL_ANY,  /* that no end of it was seen: what fails on it is sent again */
	POOL_SURE, /* that it stands now, and was in use a moment ago: there is one attempt only */
};

/*
 * The warmest idle connection to b, lent; NULL when there is none. POOL_SURE costs a system call, and
 * one that was idle for long is closed, for a fresh one to take its place: a backend may serve no more
 * than one connection at a time.
 */
struct uconn *pool_take(struct backend *b, enum pool_trust trust);

/* On what terms connections to a backend are kept. */
struct pool_terms {
	uint32_t max_idle;	    /* so many; 0: none */
	struct timer_lane *idle;    /* for so long */
	struct timer_lane *surplus; /* those beyond max_idle, which the next burst may need */
};

/*
 * Gives a connection back whose last exchange ended in step. It is kept on these terms, unless an
 * address of the backend has gone meanwhile; otherwise closed. stands_ms: what the backend says of that time (see h1_keep_alive_ms); it is not
 * taken again when that is nearly over.
 */
void pool_put(struct uconn *u, const struct pool_terms *terms, uint32_t stands_ms);

unsigned pool_close_idle(struct backend *b); /* how many there were */

#endif
