/*
 * From the checked configuration in Lua (what lua/neap/config/load.lua returns) to the plain
 * settings that C reads. Runs once a process, at load. Trusts nothing about the table: what is not
 * as the schema says is an error, never a crash.
 */
#ifndef NEAP_LUA_CONF_READ_H
#define NEAP_LUA_CONF_READ_H

#include "base/err.h"
#include "conf/conf.h"

struct lua_State;

/*
 * Fills *c from the table at index; the caller ends it with conf_fini. On failure *c is empty. The
 * stack is left as it was. ERR_INVALID: the table is not what load.lua makes; ERR_MEMORY.
 */
enum err conf_read(struct lua_State *L, int index, struct conf *c, struct error *e);

#endif
