/*
 * The data plane of one worker: listeners, client connections, exchanges, upstream connections.
 * Made by the worker from a loaded config and its policies; everything runs on its loop.
 */
#ifndef NEAP_PROXY_PROXY_H
#define NEAP_PROXY_PROXY_H

#include "conf/conf.h"
#include "net/timer.h"

struct board;
struct bundle;
struct policies;

struct proxy;

struct proxy_options {
	struct loop *loop;
	struct timers *timers;
	struct board *board;
	unsigned worker;	   /* slot on the board */
	const struct conf *conf;   /* outlives the proxy */
	struct policies *policies; /* loaded with that conf; outlive the proxy */
	struct bundle *secrets;	   /* the files that its TLS settings name; outlives it */
	const int *wake_fds; /* eventfds by worker slot (-1: none), ours among them; NULL: alone */
	/* For flows of datagrams: where they go when it retires, and where they come from at its start.
	 * -1: nowhere. */
	int give, take;
	void (*on_state_change)(void *ctx); /* a backend's state changed here: wake the agent */
	void *ctx;
};

enum err proxy_create(struct proxy **p, const struct proxy_options *o, struct error *e);

/* An address of the config: indices into conf.services, and into the listen of that one. */
struct proxy_place {
	unsigned service, listen;
};

/* Serves what the config says of that place on this socket, too; the fd stays the caller's. */
enum err proxy_listen(struct proxy *p, struct proxy_place place, int fd, struct error *e);

/*
 * Accepts at once on a socket of another worker, which is gone. Owns the fd once it succeeds. Until
 * proxy_stand_down for that worker, or the drain.
 */
enum err proxy_stand_in(struct proxy *p, unsigned worker, struct proxy_place place, int fd,
			struct error *e);
void proxy_stand_down(struct proxy *p, unsigned worker);

/* Begins to accept. */
void proxy_start(struct proxy *p);

enum proxy_drain {
	PROXY_DRAIN_SOON, /* idle connections are closed after two seconds: neap ends */
	PROXY_DRAIN_LATE, /* they may go on, for one more answer: another generation serves */
};

/*
 * Takes what waits in the queues, then stops accepting; open connections finish what they do
 * (Connection: close with the next answer); what is left when timeouts.drain is over is cut off;
 * on_drained is called when none is left.
 */
void proxy_drain(struct proxy *p, enum proxy_drain how, void (*on_drained)(void *ctx), void *ctx);

/* Opens the access log again under its path, after rotation. */
void proxy_reopen_log(struct proxy *p);

/* Closes everything at once and frees it. */
void proxy_destroy(struct proxy *p);

#endif
