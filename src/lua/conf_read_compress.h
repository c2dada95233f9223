/*
 * Reads `compress` of a checked config (lua/neap/config/compress.lua) from the table of a service on
 * top of the stack. Protected, as the rest of conf_read.
 */
#ifndef NEAP_LUA_CONF_READ_COMPRESS_H
#define NEAP_LUA_CONF_READ_COMPRESS_H

#include <lua.h>

#include "conf/conf_compress.h"

/* Into a zeroed struct; what it points to is freed by conf_fini, after an error too. */
void conf_read_compress(lua_State *L, struct conf_compress *c);

#endif
