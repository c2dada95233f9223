/*
 * The inside of a vm, for the files of this room that make up the runtime: hooks, coroutines,
 * waiting I/O, and the functions that Lua calls. One a process.
 */
#ifndef NEAP_SCRIPT_STATE_H
#define NEAP_SCRIPT_STATE_H

#include <lua.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/loop.h"
#include "script/abi.h"
#include "script/fuse.h"
#include "script/vm.h"

/*
 * What the state allocates, counted against its cap. The reserve lets us describe the error of a
 * hook that has used up everything, collect what it left, and go on with the default.
 */
struct memory {
	size_t used, cap; /* bytes */
	size_t reserve;	  /* what may be used above the cap now */
};

enum { VM_RESERVE_BYTES = 4 * 1024 * 1024 };
enum { VM_COS_MAX = 20000 }; /* coroutines, waiting ones included */

struct vm {
	struct vm_options o;
	lua_State *L;
	struct memory memory;
	struct fuse fuse;
	uint32_t id_prefix; /* of request ids: another one in each process */
	struct {
		char *text; /* grows */
		size_t n, room;
		int answer;	     /* as hook_line says */
	} line;			     /* of the access log, from the config's function */
	neap_current current;	     /* what Lua sees of it */
	int64_t cost_since_ns;	     /* of what runs, while current.cost_factor says so (cost.c) */
	_Atomic int64_t *hook_since; /* on the board */
	/* coroutines (co.c) */
	struct list co_idle, co_busy;
	unsigned cos;
	uint32_t conn_next;
	struct dns *dns; /* made at first use */
	/* garbage (vm_gc.c) */
	struct deferred gc_later;
	size_t gc_mark; /* collect some when more than this is used */
	bool gc_by_hand;
	/* references into the registry */
	int runtime;  /* the table that lua/neap/runtime gave */
	int requests; /* what Lua keeps of requests, by id */
	int run_task, end_task;
	int traceback;	     /* the handler of vm_call */
	struct hooks *hooks; /* one a service */
	unsigned services;
	const struct conf *conf;
	struct list tasks;
	struct co *running;    /* NULL: none */
	struct log_limit slow; /* warnings about slow hooks */
	unsigned slow_probes;  /* entries to look at closely */
	uint32_t shortages;    /* connections and pings that our own lack of files ended */
	struct error
		*failure; /* not NULL: the error of a hook goes here, not into the log (trial.c) */
};

/* The vm of this process; NULL before it is made. */
struct vm *vm_current(void);

/*
 * Calls the function below nargs arguments on the main stack, protected, watched by the fuse for
 * that many ticks; the error's text (with a traceback when it is not a plain message) goes into
 * *e.
 */
enum err vm_call(struct vm *vm, int nargs, int results, uint32_t ticks, struct error *e);

/* Pushes the runtime's field. */
void vm_push_runtime(struct vm *vm, const char *field);

/*
 * Describes an error in one line with L's traceback: the one given, or (NULL) the one on top of L,
 * which it leaves there.
 */
void vm_describe(struct vm *vm, lua_State *L, const char *error, char *to, size_t size);

/* Garbage is collected by hand from now on: in steps between hooks. */
void vm_gc_start(struct vm *vm);
void vm_gc_now(struct vm *vm);
void vm_gc_soon(struct vm *vm);

static inline void vm_use_reserve(struct vm *vm, bool on)
{
	vm->memory.reserve = on ? VM_RESERVE_BYTES : 0;
}

static inline void vm_gc_look(struct vm *vm)
{
	if (unlikely(vm->memory.used > vm->gc_mark))
		vm_gc_soon(vm);
}

/* The monotonic clock in steps of some milliseconds, for a fifth of the price. */
static inline int64_t vm_coarse_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

/* "hook pick of service web", for the log. */
struct co;
void hook_name(const struct vm *vm, char *to, size_t size);

/*
 * Makes vm->hooks from the list of services on top of the stack (hook.c); protected by the
 * caller.
 */
void hooks_build(struct vm *vm);
void hooks_fini(struct vm *vm);

void task_fini(struct vm *vm);

/* The functions that Lua uses while it loads (native.c), as a table on top of the stack. */
void native_push(struct vm *vm);
/* Those of them that need no vm: embedded and list. */
void native_push_embedded(lua_State *L);

#endif
