/*
 * The master process. It runs no user code and no Lua. It keeps the listening sockets, starts
 * generations, supervises them, and acts on signals, until it is told to stop.
 */
#ifndef NEAP_FLEET_MASTER_H
#define NEAP_FLEET_MASTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "fleet/daemon.h"
#include "fleet/generation.h"
#include "fleet/handover.h"
#include "fleet/settings.h"
#include "net/loop.h"

struct board;

/* What it is for. */
enum master_kind {
	MASTER_REAL,
	MASTER_DEMO, /* says nothing about running as root */
	MASTER_TOY,  /* one of a demo's backends: the same, and `neap reload` does not find it */
};

struct master_options {
	enum master_kind kind;
	struct settings settings;
	const struct generation_mains *mains; /* what its children run */
	struct daemon *daemon;		      /* told when it is ready; may be NULL */
	char **argv;		   /* an upgrade starts the next binary with it; NULL: no upgrade */
	struct handover *handover; /* what it was started with; may be NULL */
	/* For the demo, which runs around it. Each may be NULL. */
	void *ctx;
	void (*on_ready)(void *ctx, struct loop *loop, const struct board *board);
	void (*on_over)(void *ctx, struct loop *loop);	    /* before the loop ends */
	void (*on_child)(void *ctx, pid_t pid, int status); /* one that is not the master's */
};

/* Returns when all is over: ERR_OK after a stop by signal, else the failure, one line per error. */
enum err master_run(const struct master_options *o, struct error *e);

#endif
