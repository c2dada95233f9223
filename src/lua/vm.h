/*
 * The LuaJIT state of a process: one, with a cap on its memory, the embedded runtime, safe libraries
 * for user code, strict globals, and the fuse, which is armed before any user code is loaded. Workers
 * and the agent have one each; the master has none. It knows no hooks and no coroutines: script/ makes
 * them over it.
 */
#ifndef NEAP_LUA_VM_H
#define NEAP_LUA_VM_H

#include <lua.h>

#include "conf/conf.h"
#include "lua/fuse.h"
#include "lua/gc.h"
#include "lua/memory.h"
#include "lua/native.h"

struct vm_options {
	struct loop *loop;
	_Atomic uint64_t *entry; /* on the board: counts the entries into Lua and their ends */
	struct native native;	 /* what Lua may ask for while it loads */
};

struct vm {
	lua_State *L;

	/* What bounds it: its memory, the time of an entry, the garbage that it keeps. */
	struct memory memory;
	struct fuse fuse;
	struct gc gc;

	/* What it is made of: C functions for loading, and references to Lua's parts. */
	struct native native;
	void *displacement; /* moves what is made after it to other addresses */
	int runtime;	    /* the table that lua/neap/runtime gave */
	int handler;	    /* the message handler of vm_call */
};

/*
 * Makes a state in the caller's memory, which is zero and does not move while the state lives. Loads
 * the runtime, so all that its Lua calls must be ready. On failure there is nothing to end.
 */
enum err vm_init(struct vm *vm, const struct vm_options *o, struct error *e);
void vm_fini(struct vm *vm);

/*
 * Calls the function below nargs arguments on the main stack, protected, watched by the fuse for that
 * many ticks. On failure the error's text (with a traceback when it is not a plain message) is in *e
 * and nothing is left on the stack.
 */
enum err vm_call(struct vm *vm, int nargs, int results, uint32_t ticks, struct error *e);

/* Pushes a field of the runtime that is there: nothing is allocated. */
void vm_push_runtime(struct vm *vm, const char *field);

/*
 * Calls the runtime's function `field` with the path of the config. Two results are on the stack,
 * whatever happened; nil as the first one is an error whose text is the second.
 */
enum err vm_call_with_config(struct vm *vm, const char *field, struct error *e);

/*
 * Evaluates the config (through the bundle), checks it against the schema and fills *c. The config's
 * table is left below the top of the stack: the caller restores the top, in any case. The error's
 * text has one line an error ("FILE: key: what is wrong, what was expected"), several separated by \n.
 */
enum err vm_evaluate(struct vm *vm, struct conf *c, struct error *e);

/*
 * The config alone, not the policies that it names (only its user may be able to read them): to learn
 * who that user is. Errors as vm_evaluate.
 */
enum err vm_read_conf(struct vm *vm, struct conf *c, struct error *e);

/*
 * All is loaded: garbage is collected by hand from here on. ERR_LIMIT: what is loaded leaves too
 * little memory for hooks.
 */
enum err vm_start_collector(struct vm *vm, struct error *e);

/* After an entry: garbage is collected if there is enough of it. */
static inline void vm_look_at_garbage(struct vm *vm)
{
	if (unlikely(vm->memory.used > vm->gc.mark))
		gc_run_soon(&vm->gc);
}

#endif
