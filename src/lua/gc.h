/*
 * The garbage of a Lua state. It is collected by hand: the collector is stopped while Lua runs, and
 * goes on in steps at the end of those turns of the loop in which something was allocated. A cycle of
 * steps frees what was garbage when it began. Only an entry that meets the cap on memory collects all
 * at once. One a process; owned by the vm.
 */
#ifndef NEAP_LUA_GC_H
#define NEAP_LUA_GC_H

#include <lua.h>
#include <stdatomic.h>

#include "lua/memory.h"
#include "net/loop.h"

enum gc_mode {
	GC_AUTOMATIC, /* LuaJIT collects when it likes, as while the config is read */
	GC_BY_HAND
};

struct gc {
	/* What it works on, borrowed. The entry is the count on the board of the entries into Lua. */
	lua_State *L;
	struct memory *memory;
	struct loop *loop;
	_Atomic uint64_t *entry;

	/*
	 * When it works: some is collected when more than `mark` bytes are used, which is below the
	 * cap. A whole collection that left the memory full is not tried again before vain_until_ms,
	 * of the coarse clock.
	 */
	enum gc_mode mode;
	struct deferred later;
	size_t mark;
	int64_t vain_until_ms;

	/* Who hears of a cycle's end, and of a whole collection that left the memory full. */
	void (*on_cycle)(void *ctx);
	void (*on_full)(void *ctx);
	void *ctx;
};

/* The memory, the loop and the entry are set by the caller, L before gc_start. */
void gc_init(struct gc *g);
void gc_fini(struct gc *g);

/* Garbage is collected by hand from here on. Collects everything first. */
void gc_start(struct gc *g);

/* Collects everything, outside of any entry. */
void gc_run_whole(struct gc *g);

/* Collects some at the end of this turn of the loop. */
void gc_run_soon(struct gc *g);

/*
 * The running entry has met the cap on memory: collects everything, unless that would be in vain.
 * L is the stack that runs. true: the entry may go on.
 */
bool gc_make_room(struct gc *g, lua_State *L);

#endif
