/*
 * The fuse: ends Lua code that does not come back. LuaJIT's profiler in line mode makes every
 * compiled loop look for a signal; our handler stands in front of its own and, when one entry has
 * lasted its number of ticks of CPU time, sets a hook that raises an error at each instruction
 * until the entry ends, so that no pcall inside can swallow it. One a process: armed before user
 * code is loaded. Code stuck inside a C function (a pathological pattern) is not reached: the
 * master sees the board and ends the worker.
 */
#ifndef NEAP_SCRIPT_FUSE_H
#define NEAP_SCRIPT_FUSE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cc.h"

struct lua_State;

enum {
	FUSE_TICK_MS = 50,
	FUSE_TICKS_HOOK = 2,	 /* so a hook may run for 50 to 100 ms */
	FUSE_TICKS_LOAD = 60,	 /* reading the config: 3 s of CPU, less than its process has */
	FUSE_TICKS_TOOL = 40,	 /* a hook, or a policy that loads, in commands like neap sim */
	FUSE_TICKS_RUNTIME = 400 /* our own Lua, which has no such loops */
};

struct fuse {
	struct lua_State *L;
	volatile uint32_t entry; /* odd: inside */
	volatile uint32_t limit; /* ticks */
	volatile uint32_t has_blown;
	uint32_t seen; /* the entry in which the last ticks fell */
	uint32_t ticks;
	void (*on_stuck)(struct fuse *); /* in the handler: nor did it end at twice its limit */
	char where[200];	  /* the line of user code it was at, "file:1:"; "": not blown */
	struct sigaction chained; /* LuaJIT's handler */
	bool is_armed;
};

/*
 * Arms it. The trial: a compiled endless loop must be stopped. false: this LuaJIT does not do what
 * the fuse needs (it is then disarmed, and steps 2 and 3 remain).
 */
bool fuse_arm(struct fuse *f, struct lua_State *L);
void fuse_disarm(struct fuse *f);
void fuse_reset(struct fuse *f); /* after it has blown */

static inline void fuse_enter(struct fuse *f, uint32_t ticks)
{
	f->limit = ticks;
	f->entry++;
}

/* true: it blew during this entry. */
static inline bool fuse_leave(struct fuse *f)
{
	f->entry++;
	if (likely(!f->has_blown))
		return false;
	fuse_reset(f);
	return true;
}

#endif
