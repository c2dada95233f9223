/*
 * The functions of C that neap's Lua calls while it loads: files of the bundle, modules that the build
 * put into the binary, the journal. They are the module "neap.native". After that the runtime calls C
 * through FFI only (script/abi.h).
 */
#ifndef NEAP_LUA_NATIVE_H
#define NEAP_LUA_NATIVE_H

#include <lua.h>
#include <stdbool.h>

#include "conf/bundle.h"

/* What the functions are about. The caller keeps it as long as the state lives. */
struct native {
	struct bundle *bundle; /* NULL: there are no files */
	int journal;	       /* memfd: what an agent leaves to the next one; 0: there is none */
	int earlier; /* memfd: the same of the generation before; 0 or less: there is none */
	bool is_worker;
	const char *config; /* path of the config file; NULL: there is none */
};

/* Pushes the module as a table. May raise a Lua error: call it protected. */
void native_push(lua_State *L, struct native *native);

/* Pushes a table with those of the functions that need no struct native. Protected, too. */
void native_push_embedded(lua_State *L);

#endif
