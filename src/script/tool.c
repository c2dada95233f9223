#include "script/tool.h"

#include <lauxlib.h>
#include <lua.h>

#include "script/libs.h"
#include "script/state.h"

struct program {
	const char *module;
	int argc;
	char **argv;
};

static void push_native(lua_State *L)
{
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "loaded");
	native_push_embedded(L);
	lua_setfield(L, -2, "neap.native");
	lua_pop(L, 2);
}

/* The list of arguments on top of the stack. */
static void push_arguments(lua_State *L, const struct program *p)
{
	lua_createtable(L, p->argc, 0);
	for (int i = 0; i < p->argc; i++) {
		lua_pushstring(L, p->argv[i]);
		lua_rawseti(L, -2, i + 1);
	}
}

/* main(program) → status, or nil and a text */
static int run(lua_State *L)
{
	const struct program *p = lua_touserdata(L, 1);
	libs_open(L);
	push_native(L);
	lua_getglobal(L, "require");
	lua_pushstring(L, p->module);
	lua_call(L, 1, 1);
	push_arguments(L, p);
	lua_call(L, 1, 2);
	return 2;
}

static int with_traceback(lua_State *L)
{
	const char *text = lua_tostring(L, 1);
	luaL_traceback(L, L, text == NULL ? "an error without a text" : text, 1);
	return 1;
}

static enum err outcome(lua_State *L, int code, int *status, struct error *e)
{
	const char *why = lua_tostring(L, -1);
	if (code != 0)
		return err_set(e, code == LUA_ERRMEM ? ERR_MEMORY : ERR_SCRIPT, "%s",
			       why == NULL ? "an error without a text" : why);
	if (lua_isnil(L, -2))
		return err_set(e, ERR_INVALID, "%s", why == NULL ? "it failed" : why);
	*status = (int)lua_tointeger(L, -2);
	return ERR_OK;
}

enum err tool_run(const char *module, int argc, char **argv, int *status, struct error *e)
{
	struct program program = { .module = module, .argc = argc, .argv = argv };
	lua_State *L = luaL_newstate();
	if (L == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a Lua state");
	lua_pushcfunction(L, with_traceback);
	lua_pushcfunction(L, run);
	lua_pushlightuserdata(L, &program);
	int code = lua_pcall(L, 1, 2, 1);
	enum err err = outcome(L, code, status, e);
	lua_close(L);
	return err;
}
