/*
 * A stream of HTTP/2 as a byte stream (net/stream.h): what an extended CONNECT becomes after its answer
 * (RFC 8441), so that a pump moves its bytes as it does those of a connection. DATA is read from the
 * queue of what came, and written as the client's windows allow; END_STREAM is the end either way.
 */
#ifndef NEAP_PROXY_H2_TUNNEL_H
#define NEAP_PROXY_H2_TUNNEL_H

#include "exchange/client.h"
#include "proxy/h2_link.h"
#include "proxy/h2_queue.h"

struct h2_tunnel {
	struct stream stream;
	struct h2_link *link; /* NULL: it is not open */
	int32_t id;
	struct h2_queue *in;
	struct slab *pieces;
	/* Its owner looks at it soon (h2_tunnel_events). */
	void (*on_stir)(struct h2_tunnel *t);
	bool has_ended;		/* END_STREAM came: told by the owner */
	bool is_gone;		/* the stream was reset: told by the owner */
	struct client_body out; /* the session takes from it */
	struct buf kept;
};

/* How it begins. in: what came on the stream, with memory from `pieces`; outs: for what goes out. */
struct h2_tunnel_origin {
	struct h2_link *link;
	int32_t id;
	struct h2_queue *in;
	struct slab *pieces, *outs;
	void (*on_stir)(struct h2_tunnel *t);
};

void h2_tunnel_open(struct h2_tunnel *t, const struct h2_tunnel_origin *from);
void h2_tunnel_close(struct h2_tunnel *t); /* harmless on one with link NULL */

static inline bool h2_tunnel_is_open(const struct h2_tunnel *t)
{
	return t->link != NULL;
}

/* Which of what is watched holds: bits of STREAM_…. */
int h2_tunnel_events(const struct h2_tunnel *t);

#endif
