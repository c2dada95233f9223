#include "lua/tool.h"

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "lua/fuse.h"
#include "lua/libs.h"
#include "lua/native.h"

enum { TOOL_WHO_BYTES = 200 };

struct program {
	const struct tool *tool;
	struct fuse fuse;
	char who[TOOL_WHO_BYTES]; /* watch.lua writes it: whose policy runs */
};

static void end_stuck(struct fuse *f)
{
	const struct program *p = container_of(f, struct program, fuse);

	p->tool->on_stuck(p->who);
}

/* watch.lua counts up the entry, which is odd while user code runs. */
static void push_native(lua_State *L, struct program *p)
{
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "loaded");
	native_push_embedded(L);
	if (p->fuse.is_armed) {
		p->fuse.limit = FUSE_TICKS_TOOL;
		p->fuse.on_stuck = end_stuck;
		lua_pushlightuserdata(L, (void *)(uintptr_t)&p->fuse.entry);
		lua_setfield(L, -2, "watched");
		lua_pushlightuserdata(L, p->who);
		lua_setfield(L, -2, "watched_who");
	}
	lua_setfield(L, -2, "neap.native");
	lua_pop(L, 2);
}

/* The list of arguments on top of the stack. */
static void push_arguments(lua_State *L, const struct program *p)
{
	const struct tool *t = p->tool;
	lua_createtable(L, t->argc, 0);
	for (int i = 0; i < t->argc; i++) {
		lua_pushstring(L, t->argv[i]);
		lua_rawseti(L, -2, i + 1);
	}
}

/* main(program) → status, or nil and a text */
static int run_tool(lua_State *L)
{
	struct program *p = lua_touserdata(L, 1);
	libs_open(L);
	push_native(L, p);
	lua_getglobal(L, "require");
	lua_pushstring(L, p->tool->module);
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

/* Makes the error's text: whose policy did not come back, and in which hook. */
static enum err blown(lua_State *L, struct fuse *f, struct error *e)
{
	char where[sizeof(f->where)];

	memcpy(where, f->where, sizeof(where));
	fuse_reset(f);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "neap.watch");
	if (lua_pcall(L, 1, 1, 0) == 0) {
		lua_getfield(L, -1, "told");
		(void)lua_pcall(L, 0, 1, 0);
	}
	const char *who = lua_tostring(L, -1);
	return err_set(e, ERR_INVALID, "%s: %s ran for more than %d s", who == NULL ? "?" : who,
		       where, FUSE_TICKS_TOOL * FUSE_TICK_MS / 1000);
}

enum err tool_run(const struct tool *t, int *status, struct error *e)
{
	struct program program = { .tool = t };
	struct fuse *f = &program.fuse;
	lua_State *L = luaL_newstate();
	if (L == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a Lua state");
	(void)fuse_arm(f, L); /* without it a policy may take for ever, as in any program */
	lua_pushcfunction(L, with_traceback);
	lua_pushcfunction(L, run_tool);
	lua_pushlightuserdata(L, &program);
	int code = lua_pcall(L, 1, 2, 1);
	enum err err = f->state != FUSE_WHOLE ? blown(L, f, e) : outcome(L, code, status, e);
	fuse_disarm(f);
	lua_close(L);
	return err;
}
