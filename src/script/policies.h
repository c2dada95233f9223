/*
 * The policies of a process, loaded: its Lua state, and over it hooks, coroutines and tasks. Workers,
 * the agent and checks have one each, and no process has two: what Lua calls finds it by
 * policies_current.
 */
#ifndef NEAP_SCRIPT_POLICIES_H
#define NEAP_SCRIPT_POLICIES_H

#include "crypto/certificate_cache.h"
#include "script/holds.h"
#include "script/hooks.h"
#include "script/stores.h"
#include "script/task.h"

struct policies_options {
	struct loop *loop;
	struct board *board;
	/* The agent's first: the board of the generation before, for what is known of backends; NULL: none. */
	const struct board *previous;
	/* The stores of the fleet, in the config's order; they stay the caller's. n 0: private ones. */
	const int *store_fds;
	unsigned store_fds_n;
	int worker;	      /* its slot on the board; -1: the agent or a check */
	struct native native; /* the files and the config */
	struct bundle *const
		*secrets; /* the files of TLS settings, once they are read; NULL: none */
	void (*on_state_change)(void *ctx); /* a hook changed a backend's state; may be NULL */
	void *ctx;
	/* The config is evaluated, and no policy of it is loaded yet; may be NULL. */
	enum err (*on_conf)(void *conf_ctx, const struct conf *c, struct error *e);
	void *conf_ctx;
};

struct policies {
	struct policies_options o;
	struct vm vm;
	double load_now; /* what the clock says while the config is read */
	struct co_pool cos;
	struct hook_table hooks;
	struct tasks tasks;
	struct stores stores;
	struct holds holds;		       /* what requests hold in them */
	struct certificate_cache certificates; /* that hooks gave */
};

/* Makes the state; no config is read yet. The options' pointers are borrowed. */
enum err policies_create(struct policies **p, const struct policies_options *o, struct error *e);
void policies_destroy(struct policies *p);

/*
 * Evaluates the config, loads every policy that it names, and fills *c, which must outlive the
 * policies. Errors as vm_evaluate.
 */
enum err policies_load(struct policies *p, struct conf *c, struct error *e);

/* The hooks of a service; NULL: there is none of that number. Valid as long as the policies. */
struct hooks *policies_hooks(struct policies *p, unsigned service);

/* A hook changed a backend's state: tells whoever asked for it. */
void policies_tell_state_change(const struct policies *p);

/* The agent has published: what the generation before knew is not asked for again. */
void policies_forget_previous(struct policies *p);

/* Those of this process; NULL before they are made. */
struct policies *policies_current(void);

/* Their board; they are made. */
static inline struct board *policies_board(void)
{
	return policies_current()->o.board;
}

#endif
