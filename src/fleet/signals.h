/*
 * What signals ask of the master, on its loop. A signal that comes twice within a turn counts once.
 */
#ifndef NEAP_FLEET_SIGNALS_H
#define NEAP_FLEET_SIGNALS_H

#include "net/loop.h"

enum signals_wish {
	SIGNALS_STOP,	    /* TERM, INT */
	SIGNALS_DRAIN,	    /* QUIT */
	SIGNALS_RELOAD,	    /* HUP */
	SIGNALS_REOPEN_LOG, /* USR1 */
	SIGNALS_UPGRADE,    /* USR2 */
	SIGNALS_REAP,	    /* CHLD: children have ended */
};

enum { SIGNALS = 7 };

struct signals {
	struct loop *loop;
	ev_signal watchers[SIGNALS];
	void *owner;
	void (*on_signal)(struct signals *self, enum signals_wish wish);
};

/* The caller has set owner and on_signal. */
void signals_start(struct signals *s, struct loop *loop);
void signals_stop(struct signals *s);

#endif
