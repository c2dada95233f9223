/*
 * Reads the TLS settings of a checked config (lua/neap/config/tls.lua) from the table of a service or
 * a pool, on top of the stack. Protected, as the rest of conf_read.
 */
#ifndef NEAP_LUA_CONF_READ_TLS_H
#define NEAP_LUA_CONF_READ_TLS_H

#include <lua.h>

#include "conf/conf_tls.h"

/* Into zeroed structs; what they point to is freed by conf_fini, after an error too. */
void conf_read_tls(lua_State *L, struct conf_tls *t);
void conf_read_pool_tls(lua_State *L, struct conf_pool_tls *t);

#endif
