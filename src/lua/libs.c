#include "lua/libs.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "lua/depth.h"
#include "lua/embed.h"
#include "lua/large.h"

/* package.loaders' entry for what the build put into the binary. */
static int load_embedded(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	for (unsigned i = 0; i < embed_files_count; i++) {
		const struct embed_file *file = &embed_files[i];
		if (strncmp(file->name, "neap", 4) != 0 || strcmp(file->name, name) != 0)
			continue;
		if (luaL_loadbuffer(L, (const char *)file->data, file->size, name) != 0)
			return lua_error(L);
		return 1;
	}
	lua_pushfstring(L, "\n\tno embedded module '%s'", name);
	return 1;
}

/* Puts our loader after package.preload and before those that look for files. */
static void add_loader(lua_State *L)
{
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "loaders");
	for (int i = (int)lua_objlen(L, -1); i >= 2; i--) {
		lua_rawgeti(L, -1, i);
		lua_rawseti(L, -2, i + 1);
	}
	lua_pushcfunction(L, load_embedded);
	lua_rawseti(L, -2, 2);
	lua_pop(L, 2);
}

static void preload(lua_State *L, const char *name, lua_CFunction open)
{
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "preload");
	lua_pushcfunction(L, open);
	lua_setfield(L, -2, name);
	lua_pop(L, 2);
}

/* Of the static lua-cjson, which brings no header on the include path. */
int luaopen_cjson(lua_State *L);

static int bound_json(lua_State *L)
{
	lua_settop(L, 1);
	large_guard_json(L);
	return 0;
}

/*
 * cjson that returns its errors, as cjson.safe of the Lua package does. Its buffer is bounded, and
 * given back after each text.
 */
static int open_cjson_safe(lua_State *L)
{
	static const char wrap[] =
		"local bound = ...\n"
		"local cjson = require('cjson').new()\n"
		"cjson.encode_keep_buffer(false)\n"
		"bound(cjson)\n"
		"local function safe(fn) return function(...)\n"
		"  local ok, value = pcall(fn, ...)\n"
		"  if ok then return value end\n"
		"  return nil, value\n"
		"end end\n"
		"cjson.encode, cjson.decode = safe(cjson.encode), safe(cjson.decode)\n"
		"return cjson\n";
	if (luaL_loadbuffer(L, wrap, sizeof wrap - 1, "=cjson.safe") != 0)
		return lua_error(L);
	lua_pushcfunction(L, bound_json);
	lua_call(L, 1, 1);
	return 1;
}

void libs_open(lua_State *L)
{
	luaL_openlibs(L);
	large_guard(L);
	depth_guard(L);
	add_loader(L);
	preload(L, "cjson", luaopen_cjson);
	preload(L, "cjson.safe", open_cjson_safe);
}
