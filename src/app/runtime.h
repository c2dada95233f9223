/*
 * What agent, worker and check have in common: a loop, the files of the generation, the Lua state
 * and the loaded config. It is built in the order that is safe. The config's bytes are read with
 * the rights that the process came with (the files that it requires, through app/lender). Then the
 * process becomes the config's user, and only then does Lua see a byte of it.
 */
#ifndef NEAP_APP_RUNTIME_H
#define NEAP_APP_RUNTIME_H

#include "app/lender.h"
#include "conf/bundle.h"
#include "conf/conf.h"
#include "fleet/identity.h"
#include "fleet/settings.h"
#include "net/loop.h"
#include "net/timer.h"
#include "script/policies.h"
#include "upstream/pool_tls.h"

struct board;

struct runtime {
	struct loop loop;
	struct timers timers;
	struct bundle *bundle;
	struct bundle *secrets; /* what its TLS settings name; NULL: not read (conf_only) */
	struct lender lender;
	struct pool_tls pool_tls; /* for checks */
	struct policies *policies;
	struct conf conf;
	const struct runtime_options *options; /* while it is made */
};

struct runtime_options {
	const struct settings *settings;
	const struct identity *identity;
	struct board *board;
	const struct board *previous; /* of the generation before; NULL: none */
	int memfd;		      /* -1: files are kept in memory only */
	int secrets;		      /* memfd: those of TLS settings; -1: as above */
	int journal;		      /* memfd: what an agent leaves to the next one; 0: none */
	int earlier; /* memfd: the same of the generation before; 0 or less: none */
	/* Reads the files, as the first to load this generation; else reads what was kept. */
	bool must_fill;
	int worker;	      /* slot on the board, or -1 */
	const int *store_fds; /* the fleet's stores, in the plan's order */
	unsigned store_fds_n; /* 0: private ones */
	bool conf_only;	      /* leave the policies alone */
	void (*on_state_change)(void *ctx);
	void *ctx;
};

/* On failure there is nothing to end. The error's text has one line per error. */
enum err runtime_init(struct runtime *r, const struct runtime_options *o, struct error *e);
void runtime_fini(struct runtime *r);

#endif
