/*
 * The clockwork behind lua/neap/agent: a timer that calls its tick. The agent owns it, zero before it
 * starts.
 */
#ifndef NEAP_SCRIPT_TICKER_H
#define NEAP_SCRIPT_TICKER_H

#include "base/log.h"
#include "lua/vm.h"

struct ticker {
	struct vm *vm;
	struct loop *loop;
	ev_timer timer;
	int module; /* reference of what require "neap.agent" gave; 0: it has not started */

	/* The first publication is done; NULL: that was told, or nobody asked. */
	void (*on_ready)(void *ctx);
	void *ctx;

	struct log_limit errors;
};

/*
 * Publishes pools and backends on the board, resolves names, then runs discover, checks and changed
 * hooks on the loop until it is stopped. on_ready is called once the first publication is done (names
 * resolved or given up on, first discover done, at most 10 s). The config is loaded; vm and loop are
 * borrowed.
 */
enum err ticker_start(struct ticker *t, struct vm *vm, struct loop *loop,
		      void (*on_ready)(void *ctx), void *ctx, struct error *e);

/* No more ticks: no check and no hook begins from here on. These are harmless before ticker_start. */
void ticker_stop(struct ticker *t);

/* Says what there is to say at the end, and stops. */
void ticker_finish(struct ticker *t);

/* Something on the board changed (a request marked a backend down): the agent looks again. */
void ticker_wake(struct ticker *t);

#endif
