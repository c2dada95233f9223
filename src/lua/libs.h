/*
 * The libraries of a Lua state: Lua's own, cjson, and `require` of the modules that the build put
 * into the binary (before files of the same name).
 */
#ifndef NEAP_LUA_LIBS_H
#define NEAP_LUA_LIBS_H

#include <lua.h>

/* May raise a Lua error: call it protected. */
void libs_open(lua_State *L);

#endif
