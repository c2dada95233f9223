/*
 * One connection of a tcp service: the hooks choose a backend, then bytes go both ways (pump.h). The
 * same request and attempts as those of an exchange, without messages.
 */
#ifndef NEAP_EXCHANGE_TUNNEL_H
#define NEAP_EXCHANGE_TUNNEL_H

#include "exchange/attempt.h"
#include "exchange/pump.h"

enum tunnel_state {
	TUNNEL_DECIDE,	/* hooks: request, backends, pick */
	TUNNEL_PICK,	/* hooks: pick, for another attempt */
	TUNNEL_PARKED,	/* a hook waits */
	TUNNEL_QUEUED,	/* no backend has a free slot */
	TUNNEL_TAKE,	/* a backend is chosen: get a connection */
	TUNNEL_CONNECT, /* dialling, or waiting for its turn to */
	TUNNEL_FLOWS,
	TUNNEL_FAILED, /* the attempt failed: another one, or the end */
	TUNNEL_END,
};

struct tunnel {
	struct request rq;
	struct attempt at;
	struct pump pump;
	struct stream *client;
	void (*on_done)(struct tunnel *t); /* the tail of everything: t is the front's to free */
	uint8_t state;			   /* enum tunnel_state */
};

/* Makes *t ready. client and peer outlive it. */
void tunnel_init(struct tunnel *t, struct plane *p, struct service *s, struct stream *client,
		 const struct peer *peer, void (*on_done)(struct tunnel *t));

/* What the client sent already. false: no memory. */
bool tunnel_take(struct tunnel *t, struct str first);

/* Goes. t may be gone on return. */
void tunnel_open(struct tunnel *t);

/* The client's connection is readable or writable (bits of STREAM_…). t may be gone on return. */
void tunnel_client_ready(struct tunnel *t, int events);

/* It has been open for a while. */
void tunnel_attend(struct tunnel *t);

/* We close the client's connection: everything ends. t is gone on return. */
void tunnel_cut(struct tunnel *t, const char *reason);

#endif
