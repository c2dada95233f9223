/*
 * One upstream connection: dialled, lent to an attempt, kept idle, closed. Idle ones keep their
 * read watcher armed: an end, or bytes that nobody asked for, close them at once.
 */
#ifndef NEAP_UPSTREAM_UCONN_H
#define NEAP_UPSTREAM_UCONN_H

#include "net/stream.h"
#include "upstream/backend.h"

enum uconn_state { UCONN_DIAL, UCONN_BUSY, UCONN_IDLE };

struct uconn {
	struct stream stream; /* while lent: the borrower's on_ready */
	struct upstream *upstream;
	struct backend *backend;
	struct list node; /* in backend->idle */
	struct timer idle_timer;
	uint32_t requests; /* sent on it so far */
	uint32_t places;   /* the backend's when it was dialled */
	unsigned put_turn; /* of the loop, when it was given back */
	uint8_t state;	   /* enum uconn_state */
	struct dialing *dialing;
	/* the borrower's */
	void *owner;
	/*
	 * End of a dial that uconn_dial said is in progress: connected, or not (errno in
	 * u->stream.sys; u is freed by the borrower with uconn_close).
	 */
	void (*on_connected)(struct uconn *u, bool connected);
};

/* Size of what a connection needs only while it is dialled: for the slab of upstream_init. */
size_t uconn_dialing_bytes(void);

/* The warmest idle connection to b, lent; NULL when there is none. */
struct uconn *uconn_take_idle(struct backend *b);

enum uconn_dialled { UCONN_CONNECTED, UCONN_IN_PROGRESS, UCONN_FAILED };

/*
 * A new connection, lent; for want of descriptors idle ones are closed. FAILED: *sys is the errno
 * and *u NULL.
 */
enum uconn_dialled uconn_dial(struct upstream *up, struct backend *b,
			      void (*on_connected)(struct uconn *, bool), void *owner,
			      struct uconn **u, int *sys);

/*
 * Gives a connection back whose last exchange ended in step. It is kept while fewer than max_idle
 * are, for at most the lane's duration, unless an address of the backend has gone meanwhile;
 * otherwise closed.
 */
void uconn_put(struct uconn *u, uint32_t max_idle, struct timer_lane *idle);

/* Closes and frees in any state. */
void uconn_close(struct uconn *u);
unsigned uconn_close_idle(struct backend *b); /* how many there were */

#endif
