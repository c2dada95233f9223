/*
 * What a Lua state allocates, counted against its cap (lua_memory). The cap is soft, because an
 * allocation that fails in compiled code is a crash: the bytes are given, and the running hook is
 * asked at its next instruction. Garbage is collected then; if that does not help, the hook raises
 * "not enough memory" (fuse.h). Allocations fail only at the hard end, far above the cap.
 *
 * One a process; owned by the vm.
 */
#ifndef NEAP_LUA_MEMORY_H
#define NEAP_LUA_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "lua/fuse.h"

enum {
	MEMORY_DEFAULT_BYTES = 256 * 1024 * 1024,
	MEMORY_HARD = 8,    /* the hard end, in caps */
	MEMORY_PIECE = 4,   /* one string or table may take a quarter of the cap */
	MEMORY_MARGIN = 16, /* what policies keep for ever must leave a sixteenth free */
};

/* A hook may allocate this much when others keep the memory full, up to an eighth above the cap. */
enum { MEMORY_ALLOWANCE_BYTES = 256 * 1024 };

enum memory_user {
	MEMORY_OF_POLICY,  /* user code: the cap binds it */
	MEMORY_OF_RUNTIME, /* neap's own, like the default policy: only the hard end binds it */
	MEMORY_OF_HOARDER, /* memory is full, and this policy keeps the most of it: it gets no more */
	MEMORY_OF_OTHERS, /* the hoarder is known: these may use as much again */
};

struct memory {
	size_t used, cap; /* bytes */
	size_t limit;	  /* beyond it, or for more than `piece` at once, the fuse is asked */
	size_t piece;
	size_t grown; /* what the current entry has allocated, freed again or not */
	enum memory_user user;
	bool is_too_large; /* one piece met the end */
	struct fuse *fuse;
};

void memory_init(struct memory *m, struct fuse *fuse, size_t cap_bytes);

/* lua_Alloc; ctx is a struct memory. */
void *memory_allocate(void *ctx, void *old, size_t old_bytes, size_t bytes);

/* An entry into Lua begins. */
void memory_enter(struct memory *m);

/* Garbage was collected, and what is used now is left: may the entry go on? */
bool memory_has_room(struct memory *m);

/* What policies keep leaves too little for anything else. */
bool memory_is_full(const struct memory *m);

#endif
