/*
 * Pooled coroutines: each runs one entry from C at a time and is used again. One that yields
 * without a value waits: for a time, a name, a socket (io.c), at most until its deadline. One
 * that erred or was ended while it waited is thrown away.
 */
#ifndef NEAP_SCRIPT_CO_H
#define NEAP_SCRIPT_CO_H

#include "net/dns.h"
#include "script/io.h"
#include "script/state.h"

enum co_result { CO_DONE, CO_WAITING, CO_FAILED };

/* Why a waiting coroutine was ended. */
enum co_end { CO_CANCELLED, CO_TOO_LATE };

struct co {
	struct list node; /* in vm.co_idle or vm.co_busy */
	struct vm *vm;
	lua_State *L;
	int ref;
	/* what the current entry is about, set by its owner before co_run */
	neap_request *request;
	neap_response *response;
	const neap_failure *failure;
	const neap_outcome *outcome;
	void *owner;	/* struct hooks or struct task */
	uint32_t kind;	/* the owner's */
	uint32_t skip;	/* hooks left out */
	uint32_t ticks; /* of the fuse */
	bool may_wait;
	bool is_waiting;
	bool has_waited;
	bool is_costed;	 /* it is in a hook: what follows a wait is timed */
	int64_t slow_ms; /* how long the last entry held the loop */
	/* while it waits */
	uint32_t hook;	       /* what the board said it was in */
	int64_t deadline_ms;   /* 0: none */
	int64_t wait_until_ms; /* of the current wait; 0: only the deadline */
	ev_timer timer;
	struct wait wait;
	neap_failure failure_kept; /* the caller's is gone by then */
	/*
	 * A wait is over and the entry ended, or failed (the error is on L's stack), or is too
	 * late.
	 */
	void (*on_end)(struct co *co, enum co_result result, bool is_too_late);
};

/* NULL: too many, or no memory. */
struct co *co_take(struct vm *vm);
void co_put(struct co *co);  /* after CO_DONE */
void co_drop(struct co *co); /* after CO_FAILED, or while it waits: closes its connections */

/*
 * Runs function `ref` of the registry with an integer. CO_WAITING: it goes on by itself and
 * on_end tells the end, from the loop. CO_DONE: the verdict is in *verdict. CO_FAILED: the error
 * is on co->L.
 */
enum co_result co_run(struct co *co, int ref, double argument, uint32_t *verdict);
/* What a finished co gave back, for on_end. */
uint32_t co_verdict(struct co *co);

/* The running one; NULL outside. */
struct co *co_running(const struct vm *vm);

/* A wait is over: resumes it. Only from the loop. */
void co_wake(struct co *co);
void co_arm(struct co *co, int64_t until_ms); /* the timer of a wait; 0: the deadline alone */

void co_fini(struct vm *vm);

#endif
