#include "lua/screen.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

#include "lua/libs.h"
#include "lua/native.h"

struct screen {
	lua_State *L; /* on its stack: the module's function, then its last text */
};

/* Leaves the draw function of the module whose name is the argument. */
static int open_module(lua_State *L)
{
	libs_open(L);
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "loaded");
	native_push_embedded(L);
	lua_setfield(L, -2, "neap.native");
	lua_getglobal(L, "require");
	lua_pushvalue(L, 1);
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "draw");
	return 1;
}

static enum err take_error(lua_State *L, struct error *e)
{
	const char *why = lua_tostring(L, -1);
	return err_set(e, ERR_SCRIPT, "%s", why == NULL ? "an error without a text" : why);
}

enum err screen_create(struct screen **s, const char *module, struct error *e)
{
	struct screen *made = calloc(1, sizeof(*made));

	if (made != NULL)
		made->L = luaL_newstate();
	if (made == NULL || made->L == NULL) {
		free(made);
		return err_set(e, ERR_MEMORY, "out of memory");
	}
	lua_pushcfunction(made->L, open_module);
	lua_pushstring(made->L, module);
	if (lua_pcall(made->L, 1, 1, 0) != 0) {
		enum err err = take_error(made->L, e);
		screen_destroy(made);
		return err;
	}
	*s = made;
	return ERR_OK;
}

void screen_destroy(struct screen *s)
{
	lua_close(s->L);
	free(s);
}

enum err screen_draw(struct screen *s, struct str status, const struct screen_size *size,
		     struct str *text, struct error *e)
{
	lua_State *L = s->L;

	lua_settop(L, 1);
	lua_pushvalue(L, 1);
	lua_pushlstring(L, status.p, status.n);
	lua_pushinteger(L, (lua_Integer)size->columns);
	lua_pushinteger(L, (lua_Integer)size->rows);
	lua_pushboolean(L, size->is_terminal);
	if (lua_pcall(L, 4, 2, 0) != 0)
		return take_error(L, e);
	if (lua_isnil(L, -2))
		return take_error(L, e);
	text->p = lua_tolstring(L, -2, &text->n);
	return ERR_OK;
}
