/*
 * A non-blocking connect over a list of addresses (RFC 8305 §5, "Happy Eyeballs"). The next address
 * is tried when one fails, and also while one does not answer for a while. Families take turns. The
 * first connection that stands wins. A failure that says nothing about the other side is tried
 * again for as long as the caller lets it: we lack descriptors, ports or memory, or the queue of a
 * unix socket is full for a moment. The caller owns the deadline (a timer) and calls dial_cancel
 * when it is over.
 */
#ifndef NEAP_NET_DIAL_H
#define NEAP_NET_DIAL_H

#include "net/addr.h"
#include "net/loop.h"

#define DIAL_ADDRS_MAX 8

enum dial_state { DIAL_UNTRIED, DIAL_BUSY, DIAL_AGAIN, DIAL_FAILED };

struct dial;

struct dial_try { /* one address */
	struct dial *dial;
	ev_io writer;  /* while busy */
	uint8_t state; /* enum dial_state */
	int sys;       /* errno of its failure */
};

struct dial {
	struct loop *loop;
	struct dial_try tries[DIAL_ADDRS_MAX];
	struct addr addrs[DIAL_ADDRS_MAX];
	unsigned count;
	unsigned last;	  /* the address that was begun last; in the end the one that stands */
	ev_timer pace;	  /* until another address is begun */
	double stagger_s; /* pace while others are busy */
	double again_s;	  /* pace of trying again; grows */
	int sys;	  /* errno of the last failure */
	/* It is over: a connected fd (the callee's from now on), or -1 with self->sys. */
	void (*on_done)(struct dial *self, int fd);
};

struct dial_goal {
	const struct addr *addrs;
	unsigned count;
	unsigned first;	     /* the address to begin with: the one that stood last time */
	uint32_t timeout_ms; /* how long the caller will wait, 0: for ever; all are begun in it */
};

/*
 * Starts. When it is over at once (unix sockets, loopback) it returns true with *fd = the connected
 * fd or -1, and on_done is not called. Returns false when it is in progress.
 */
bool dial_start(struct dial *d, struct loop *loop, const struct dial_goal *goal,
		void (*on_done)(struct dial *self, int fd), int *fd);

/*
 * While in progress, when something that it lacked was freed: tries again. Returns as dial_start.
 */
bool dial_again(struct dial *d, int *fd);

/* While in progress: the errno of what this process or machine lacks for it, 0: nothing. */
int dial_lacks(const struct dial *d);
const char *dial_lack_text(int sys); /* that in words; a constant */

/* The address that stands. */
const struct addr *dial_winner(const struct dial *d);

void dial_cancel(struct dial *d); /* harmless when none is in progress, and on a zeroed one */

#endif
