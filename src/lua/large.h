/*
 * Some functions of Lua's library make one huge thing out of small ones at once: string.rep,
 * string.gsub, table.concat, and the encoder of JSON, whose buffer is not even Lua's. They refuse
 * beforehand when the result would take more than a quarter of lua_memory: an error like any other.
 */
#ifndef NEAP_LUA_LARGE_H
#define NEAP_LUA_LARGE_H

struct lua_State;

/* Puts bounded functions in place of those of string and table. */
void large_guard(struct lua_State *L);

/* The table of lua-cjson is on top of the stack: bounds its encode. */
void large_guard_json(struct lua_State *L);

#endif
