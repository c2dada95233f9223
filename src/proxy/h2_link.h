/*
 * What the streams of a connection of HTTP/2 share: its session, and what was gathered of it and is not
 * written yet. Answers are gathered at once, so that a client that takes them is known to; they are
 * written together, at the end of the turn.
 */
#ifndef NEAP_PROXY_H2_LINK_H
#define NEAP_PROXY_H2_LINK_H

#include "base/buf.h"
#include "http/h2_session.h"
#include "net/stream.h"

enum { H2_LINK_OUT = 64 * 1024 }; /* bytes of a block for what is to be written */

struct h2_link {
	struct h2_session session;
	struct stream *stream;
	struct buf out;	      /* gathered; without a block when all was written */
	struct deferred turn; /* the owner's: writes, then looks at what was noted */
	struct list noted;    /* streams of which something was noted while the session ran */
	bool is_broken;	      /* writing failed */
};

/* The stream outlives it. outs: blocks of H2_LINK_OUT bytes. The session is opened by the owner. */
void h2_link_init(struct h2_link *l, struct stream *s, struct slab *outs,
		  void (*turn)(struct deferred *d));
void h2_link_fini(struct h2_link *l);

/*
 * Gathers what the session has; it is written at the end of the turn, or now as far as there is no
 * room for it.
 */
void h2_link_gather(struct h2_link *l);

/* Something may be gathered: at the end of the turn. */
static inline void h2_link_stir(struct h2_link *l)
{
	loop_defer(l->stream->loop, &l->turn);
}

/*
 * Gathers and writes all that the client takes; watches for room when that is not all. While there is
 * none nothing is written.
 */
void h2_link_write(struct h2_link *l);

/* There is room again: what waited goes out, as far as the client takes it. */
void h2_link_go_on(struct h2_link *l);

/* Does the client's connection take no more for now? */
static inline bool h2_link_is_blocked(const struct h2_link *l)
{
	return stream_watches_write(l->stream);
}

#endif
