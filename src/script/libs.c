#include "script/libs.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "script/embed.h"

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

/* Puts our loader behind package.preload, in front of those that look for files. */
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

/* cjson without its errors: cjson.safe of the Lua package. */
static int open_cjson_safe(lua_State *L)
{
	static const char wrap[] =
		"local cjson = require('cjson').new()\n"
		"local function safe(fn) return function(...)\n"
		"  local ok, value = pcall(fn, ...)\n"
		"  if ok then return value end\n"
		"  return nil, value\n"
		"end end\n"
		"cjson.encode, cjson.decode = safe(cjson.encode), safe(cjson.decode)\n"
		"return cjson\n";
	if (luaL_loadbuffer(L, wrap, sizeof wrap - 1, "=cjson.safe") != 0)
		return lua_error(L);
	lua_call(L, 0, 1);
	return 1;
}

void libs_open(lua_State *L)
{
	luaL_openlibs(L);
	add_loader(L);
	preload(L, "cjson", luaopen_cjson);
	preload(L, "cjson.safe", open_cjson_safe);
}
