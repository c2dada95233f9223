/*
 * One upstream connection: dialled, lent to an attempt, closed. Between requests the pool has it
 * (pool.h).
 */
#ifndef NEAP_UPSTREAM_UCONN_H
#define NEAP_UPSTREAM_UCONN_H

#include "net/stream_open.h"
#include "upstream/backend.h"

enum uconn_state {
	UCONN_DIAL,
	UCONN_NEW, /* lent, no answer came on it yet */
	UCONN_BUSY,
	UCONN_IDLE,
};

struct uconn {
	struct stream stream; /* on_ready is set by whoever has it: the borrower, or the pool */
	struct upstream *upstream;
	struct backend *backend;
	struct list node; /* in backend->idle, or its dials */
	struct timer idle_timer;
	uint32_t requests;  /* sent on it so far */
	uint32_t places;    /* the backend's when it was dialled */
	unsigned put_turn;  /* of the loop, when it was given back */
	int64_t since_us;   /* when it was dialled, or given back last */
	uint32_t stands_ms; /* so long the backend leaves it idle; UINT32_MAX: it did not say */
	uint8_t state;	    /* enum uconn_state */
	struct stream_dialling *dialing; /* while UCONN_DIAL */
	/* the borrower's */
	void *owner;
	/*
	 * End of a dial that uconn_dial said is in progress: connected, or not (stream_failure
	 * says why; u is freed by the borrower with uconn_close).
	 */
	void (*on_connected)(struct uconn *u, bool connected);
	/* Its dial was dropped on the way, see pace.h: the borrower closes it. */
	void (*on_lost)(struct uconn *u);
};

/* How long ago it was dialled, or given back last. */
int64_t uconn_age_us(const struct uconn *u);

enum uconn_dialled { UCONN_CONNECTED, UCONN_IN_PROGRESS, UCONN_FAILED };

struct uconn_wish {
	void (*on_connected)(struct uconn *u, bool connected);
	void (*on_lost)(struct uconn *u);
	void *owner;
	unsigned pool;	  /* of the config, whose TLS settings hold */
	struct str first; /* with TLS: sent in the clear before it */
	struct str alpn;  /* with TLS: what is offered, as in tls_goal; empty: nothing */
	uint32_t
		timeout_ms; /* how long the owner will wait, 0: for ever; the deadline is its own */
};

/*
 * A new connection, lent; where descriptors are short, idle ones are closed. FAILED: *why says the
 * reason and *u is NULL.
 */
enum uconn_dialled uconn_dial(struct upstream *up, struct backend *b, const struct uconn_wish *wish,
			      struct uconn **u, struct stream_failure *why);

/* Dialling: it is connected, and the TLS handshake is under way. */
static inline bool uconn_shakes(const struct uconn *u)
{
	return u->dialing != NULL && u->dialing->phase == STREAM_DIAL_SHAKES;
}

/* An answer came on it. */
void uconn_first_answer(struct uconn *u);
static inline void uconn_on_answer(struct uconn *u)
{
	if (unlikely(u->state == UCONN_NEW))
		uconn_first_answer(u);
}

/* Dialling: the errno of what neap itself lacks for it (net/stream_open.h), 0: nothing. */
int uconn_lacks(const struct uconn *u);
int uconn_first_lacks(const struct backend *b); /* of the oldest that is dialling */

/* Closes and frees one that is lent, or dialling. */
void uconn_close(struct uconn *u);

#endif
