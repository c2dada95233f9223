/*
 * The LuaJIT state of a process: one, with a memory cap, the embedded runtime, safe libraries for
 * user code, strict globals, and the fuse armed before any user code is loaded. Workers and the
 * agent have one each; the master none.
 */
#ifndef NEAP_SCRIPT_VM_H
#define NEAP_SCRIPT_VM_H

#include "conf/conf.h"
#include "net/dns.h"
#include "net/timer.h"
#include "script/bundle.h"
#include "shm/board.h"

struct lua_State;
struct vm;

struct vm_options {
	struct loop *loop;
	struct timers *timers;
	struct board *board;
	/* the agent's first: the board of the generation before, for what is known of backends;
	 * may be NULL */
	const struct board *previous;
	struct bundle *bundle;
	int journal;	    /* memfd of changes at run time; 0: there is none */
	int worker;	    /* its slot on the board; -1: the agent or a check */
	uint32_t memory_mb; /* cap of the state; 0: 256 */
	const char *config; /* path of the config file */
	void (*on_state_change)(
		void *ctx); /* a hook changed a backend's state (wake the agent); may be NULL */
	void *ctx;
};

enum err vm_create(struct vm **vm, const struct vm_options *o, struct error *e);
void vm_destroy(struct vm *vm);
struct lua_State *vm_lua(struct vm *vm);
size_t vm_memory(const struct vm *vm); /* bytes that the state holds */

/*
 * Evaluates the config (through the bundle), checks it against the schema, loads every policy it
 * names, and fills *c. The error's text has one line an error ("FILE: key: what is wrong, what
 * was expected"), several separated by \n.
 */
enum err vm_load(struct vm *vm, struct conf *c, struct error *e);

/*
 * The config alone, not the policies it names (they may be readable for its user only): to learn
 * who that is.
 */
enum err vm_read_conf(struct vm *vm, struct conf *c, struct error *e);

/*
 * The agent's part: publishes pools and backends on the board, resolves names, then runs
 * discover, checks and changed hooks on the loop for ever. on_ready is called once the first
 * publication is done (names resolved or given up on, first discover done, at most 10 s).
 */
enum err vm_agent_start(struct vm *vm, void (*on_ready)(void *ctx), void *ctx, struct error *e);

/* No more ticks: no check and no hook begins from here on. Harmless before vm_agent_start. */
void vm_agent_stop(struct vm *vm);

/* Says what there is to say at the end. Harmless before vm_agent_start. */
void vm_agent_finish(struct vm *vm);

/* It has published: what the generation before knew is not asked for again. */
void vm_forget_previous(struct vm *vm);

/* Something on the board changed (a request marked a backend down): the agent looks again. */
void vm_agent_wake(struct vm *vm);

/*
 * `neap check`, and before another generation takes over: calls pick once a pool on a made-up
 * request. is_strict: a pick that keeps its objects is wrong too (it is no harm to traffic, so a
 * reload may). Errors as in vm_load.
 */
enum err vm_try_policies(struct vm *vm, bool is_strict, struct error *e);

#endif
