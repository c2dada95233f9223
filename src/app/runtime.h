/*
 * What agent, worker and check have in common: a loop, the files of the generation, the Lua state,
 * and the loaded config. Built in the order in which it is safe: the config's bytes are read with
 * the rights the process came with, then those of the config's user are assumed, and only then does
 * Lua see a byte of it.
 */
#ifndef NEAP_APP_RUNTIME_H
#define NEAP_APP_RUNTIME_H

#include "app/identity.h"
#include "app/settings.h"
#include "conf/conf.h"
#include "net/loop.h"
#include "net/timer.h"
#include "script/bundle.h"
#include "script/vm.h"
#include "shm/board.h"

struct runtime {
	struct loop loop;
	struct timers timers;
	struct bundle *bundle;
	struct vm *vm;
	struct conf conf;
};

struct runtime_options {
	const struct settings *settings;
	const struct identity *identity;
	struct board *board;
	const struct board *previous; /* of the generation before; NULL: none */
	int memfd;		      /* -1: files are kept in memory only */
	int journal;		      /* memfd of changes at run time; 0: none */
	bool must_fill; /* the first to load this generation: reads the files; else reads what was kept */
	int worker;	/* slot on the board, or -1 */
	bool conf_only; /* leave the policies alone */
	void (*on_state_change)(void *ctx);
	void *ctx;
};

/* On failure there is nothing to end. The error's text has one line an error. */
enum err runtime_init(struct runtime *r, const struct runtime_options *o, struct error *e);
void runtime_fini(struct runtime *r);

#endif
