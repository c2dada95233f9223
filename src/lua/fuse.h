/*
 * The fuse ends Lua code that does not come back. LuaJIT's profiler in line mode makes every
 * compiled loop look for a signal. Our handler is called before LuaJIT's. When one entry has used
 * its number of ticks of CPU time, the handler sets a hook that raises an error at each instruction
 * until the entry ends, so no pcall inside can swallow it. One a process, armed before user code is
 * loaded.
 *
 * Code stuck inside a C function (a pathological pattern) is not reached: the master sees the board
 * and ends the worker.
 */
#ifndef NEAP_LUA_FUSE_H
#define NEAP_LUA_FUSE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cc.h"

struct lua_State;

/* Why the running entry is being ended, or may be. */
enum fuse_state {
	FUSE_WHOLE,
	FUSE_ASKED,  /* it met the cap on memory: on_full decides at its next instruction */
	FUSE_MEMORY, /* blown: no memory is left */
	FUSE_TIME    /* blown: it did not end */
};

enum {
	FUSE_TICK_MS = 50,
	FUSE_TICKS_HOOK = 2,	 /* so a hook may run for 50 to 100 ms */
	FUSE_TICKS_LOAD = 60,	 /* reading the config: 3 s of CPU, less than its process has */
	FUSE_TICKS_TOOL = 40,	 /* a hook, or a policy that loads, in commands like neap sim */
	FUSE_TICKS_RUNTIME = 400 /* our own Lua, which has no endless loops */
};

struct fuse {
	struct lua_State *L;
	struct sigaction chained; /* LuaJIT's handler */
	bool is_armed;

	/* The running entry, which the handler reads. */
	volatile uint32_t entry;      /* odd: inside */
	volatile uint32_t limit;      /* ticks */
	volatile uint32_t state;      /* enum fuse_state */
	volatile uint32_t is_resting; /* the collector runs, not the entry */
	uint32_t seen;		      /* the entry in which the last ticks fell */
	uint32_t ticks;
	char where[200]; /* the line of user code it was at, "file:1:"; "": not blown */

	/* The entry met the cap on memory; true: it may go on. NULL: it may not. */
	bool (*on_full)(struct fuse *f, struct lua_State *L);
	/* In the handler: the entry did not even end at twice its limit. May be NULL. */
	void (*on_stuck)(struct fuse *f);
};

/*
 * Arms it, and tries it: a compiled endless loop must be stopped. false: this LuaJIT does not do
 * what the fuse needs. It is disarmed then, and only the master ends what hangs.
 */
bool fuse_arm(struct fuse *f, struct lua_State *L);
void fuse_disarm(struct fuse *f);
void fuse_reset(struct fuse *f); /* after it has blown */

static inline void fuse_enter(struct fuse *f, uint32_t ticks)
{
	f->limit = ticks;
	f->entry++;
}

/* The running entry has met the cap on memory. Harmless outside of one. Called by the allocator. */
void fuse_ask(struct fuse *f);

/* true: it blew during this entry. */
static inline bool fuse_leave(struct fuse *f)
{
	f->entry++;
	if (likely(f->state == FUSE_WHOLE))
		return false;
	bool has_blown = f->state != FUSE_ASKED;
	fuse_reset(f);
	return has_blown;
}

#endif
