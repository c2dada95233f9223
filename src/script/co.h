/*
 * Pooled coroutines: each runs one entry from C at a time and is used again. One that yields without
 * a value waits: for a time, a name, a socket (wait.h), at most until its deadline. One that erred or
 * was ended while it waited is thrown away. This is the only way into hooks and tasks.
 */
#ifndef NEAP_SCRIPT_CO_H
#define NEAP_SCRIPT_CO_H

#include "base/log.h"
#include "lua/vm.h"
#include "script/cost.h"
#include "script/wait.h"

/* Waiting ones included: a request has one at a time, and some are for other work. */
enum { CO_POOL_MIN = 20000, CO_POOL_SPARE = 1000 };

enum co_result { CO_DONE, CO_WAITING, CO_FAILED };

/* The coroutines of a process. */
struct co_pool {
	/* Where they run, borrowed. */
	struct vm *vm;
	struct loop *loop;
	const struct conf *conf; /* for names in the log; NULL: not loaded yet */

	/* What Lua sees of the running one, and what the board says of it. */
	neap_current current;
	_Atomic uint64_t *entry; /* counts entries and their ends: odd while one lasts */
	struct co *running;	 /* NULL: none */

	/* What they share. */
	struct io io;
	struct cost cost;

	/* All of them. */
	struct list idle, busy;
	unsigned n, max;

	/* Those that hold the loop: entries still to be looked at closely. */
	unsigned slow_probes;
	struct log_limit slow;
};

struct co {
	struct list node; /* in the pool's idle or busy */
	struct co_pool *pool;
	struct vm *vm;
	lua_State *L;
	int ref;

	/* What the current entry is about; set by its owner before co_run. */
	neap_request *request;
	neap_response *response;
	const neap_failure *failure;
	const neap_outcome *outcome;
	void *owner;	 /* struct hooks or struct task */
	uint32_t kind;	 /* the owner's */
	uint32_t skip;	 /* hooks left out */
	uint32_t trying; /* tripped hooks, tried by this entry */
	uint32_t ticks;	 /* of the fuse */
	bool has_blown;	 /* the fuse, when it last ran */
	enum memory_user memory_user;
	uint8_t may_wait; /* enum neap_may_wait */
	bool is_costed;	  /* it is in a hook: what follows a wait is timed */
	/*
	 * A wait is over and the entry ended, or failed (the error is on L's stack), or is too late.
	 */
	void (*on_end)(struct co *co, enum co_result result, bool is_too_late);

	/* How long the last entry held the loop. */
	int64_t slow_ms;

	/* While it waits. */
	uint32_t hook; /* what the board said it was in */
	ev_timer timer;
	struct deferred turn; /* it is due, but the loop had no time */
	struct wait wait;
	neap_failure failure_kept; /* the caller's is gone by then */
};

/*
 * An empty pool over a board's row: `worker`, or -1 for the agent and for checks. The vm need not be
 * made yet; loop and board are borrowed.
 */
void co_pool_init(struct co_pool *pool, struct vm *vm, struct loop *loop, struct board *board,
		  int worker);
void co_pool_fini(struct co_pool *pool);

/* The config is loaded: each connection that a worker may have can have a hook that waits. */
void co_pool_set_conf(struct co_pool *pool, const struct conf *conf);

/* NULL: too many, or no memory. */
struct co *co_take(struct co_pool *pool);
void co_put(struct co *co);  /* after CO_DONE */
void co_drop(struct co *co); /* after CO_FAILED, or while it waits: closes its connections */

/*
 * Runs function `ref` of the registry with an integer. CO_WAITING: it goes on by itself and on_end
 * tells the end, from the loop. CO_DONE: the verdict is in *verdict. CO_FAILED: the error is on co->L.
 */
enum co_result co_run(struct co *co, int ref, double argument, uint32_t *verdict);

/* What a finished co gave back, for on_end. */
uint32_t co_verdict(struct co *co);

#endif
