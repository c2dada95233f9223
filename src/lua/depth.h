/*
 * Bounds the C stack that Lua uses. Some functions of Lua's library are C and call Lua again
 * (string.gsub with a function, table.sort, load, coroutine.resume). They nest on the C stack,
 * which ends before Lua's own stack does: endless recursion through them would be a segmentation
 * fault. Here it is an error like any other.
 */
#ifndef NEAP_LUA_DEPTH_H
#define NEAP_LUA_DEPTH_H

struct lua_State;

/* Puts guarded functions in place of those. Called where the C stack is shallow, before user code. */
void depth_guard(struct lua_State *L);

#endif
