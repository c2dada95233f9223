/*
 * The master process: no user code, no Lua. Makes the board, keeps the listening sockets, starts a
 * generation, supervises it, acts on signals. Runs until it is told to stop.
 */
#ifndef NEAP_APP_MASTER_H
#define NEAP_APP_MASTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "app/daemon.h"
#include "app/handover.h"
#include "app/settings.h"
#include "net/loop.h"
#include "shm/board.h"

struct master_options {
	struct settings settings;
	struct daemon *daemon;	   /* told when it is ready; may be NULL */
	char **argv;		   /* to be started again with, for an upgrade; NULL: never */
	struct handover *handover; /* what it was started with; may be NULL */
	bool is_demo;		   /* says nothing about running as root */
	bool is_toy;		   /* `neap reload` does not find it */
	/* For what runs around it (the demo); each may be NULL. */
	void *ctx;
	void (*on_ready)(void *ctx, struct loop *loop, const struct board *board);
	void (*on_over)(void *ctx, struct loop *loop);	    /* before the loop ends */
	void (*on_child)(void *ctx, pid_t pid, int status); /* one that is not the master's own */
};

/* Returns when all is over: ERR_OK after a stop by signal, else the failure, one line an error. */
enum err master_run(const struct master_options *o, struct error *e);

#endif
