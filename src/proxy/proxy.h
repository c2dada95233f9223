/*
 * The data plane of one worker: listeners, client connections, exchanges, upstream connections.
 * Made by the worker from a loaded config and VM; everything runs on its loop.
 */
#ifndef NEAP_PROXY_PROXY_H
#define NEAP_PROXY_PROXY_H

#include "conf/conf.h"
#include "net/timer.h"
#include "script/vm.h"
#include "shm/board.h"

struct proxy;

struct proxy_options {
	struct loop *loop;
	struct timers *timers;
	struct board *board;
	unsigned worker;	 /* slot on the board */
	const struct conf *conf; /* outlives the proxy */
	struct vm *vm;		 /* loaded with that conf; outlives the proxy */
	const int *wake_fds; /* eventfds by worker slot (-1: none), ours among them; NULL: alone */
	void (*on_state_change)(void *ctx); /* a backend's state changed here: wake the agent */
	void *ctx;
};

enum err proxy_create(struct proxy **p, const struct proxy_options *o, struct error *e);

/*
 * Serves service (index into conf.services) on this listening socket too; the fd stays the
 * caller's.
 */
enum err proxy_listen(struct proxy *p, unsigned service, int fd, struct error *e);

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
