/*
 * A connection over HTTP/2 (RFC 9113) that the scripts of a process share: each request on it is a
 * stream of bytes (net/stream.h) that takes the text of one HTTP/1.1 request, written in one piece, and
 * gives the text of its answer (link_call.h). So whoever speaks HTTP/1.1 on a connection need not know.
 *
 * It ends when nobody has used it for a while, when its server says so, and when it fails; calls that
 * are under way learn of that by their streams.
 */
#ifndef NEAP_SCRIPT_LINK_H
#define NEAP_SCRIPT_LINK_H

#include "script/conn.h"
#include "script/link_block.h"

enum {
	LINKS_MAX = 256,
	LINK_CALLS_MAX = 100, /* at a time; what the server does not allow yet waits */
	LINK_IDLE_SECONDS = 15,
	LINK_SURE_MS = 1000,
};

struct link {
	struct list node; /* io's */
	struct io *io;
	struct conn *conn; /* its own */
	struct h2_session session;
	struct link_block block; /* that comes */
	struct list calls;
	unsigned calls_n;
	char *out; /* gathered and not written; NULL: nothing is */
	size_t out_at, out_n;
	struct deferred later;
	int64_t heard_ms;    /* when something came last */
	const char *failure; /* it is over */
	bool has_greeted;    /* its SETTINGS came */
	bool is_leaving;     /* it takes no more calls */
};

/* c has been dialled, and is the link's from now on. false: no memory, or too many; c is as it was. */
bool link_open(struct conn *c, struct str key);

/*
 * One of that key that takes a call; NULL: there is none. is_sure: for what cannot be sent again, one
 * that was heard of a moment ago.
 */
struct link *link_find(struct io *io, struct str key, bool is_sure);

void link_close_all(struct io *io);

/* ---- for calls ---- */

/* Something is to be sent. */
void link_send_later(struct link *l);
/* The owner has left the call. */
void link_part(struct link *l, struct link_call *c);

#endif
