#include "lua/large.h"

#include <lauxlib.h>
#include <stdint.h>

#include "lua/memory.h"

enum { NUMBER_BYTES = 24, INDEX_BYTES = 2, JSON_DEPTH_MAX = 1000 };

/* NULL: this state has another allocator. */
static struct memory *memory_of(lua_State *L)
{
	void *ctx;

	return lua_getallocf(L, &ctx) == memory_allocate ? ctx : NULL;
}

static size_t most_of(lua_State *L)
{
	const struct memory *m = memory_of(L);

	return m != NULL ? m->cap / MEMORY_PIECE : SIZE_MAX;
}

static void refuse_large(lua_State *L, const char *what, size_t most)
{
	(void)luaL_error(L,
			 "not enough memory: %s would have more than %d MiB (a quarter of "
			 "lua_memory)",
			 what, (int)(most >> 20));
}

/* Calls what stands in the first upvalue with all arguments. */
static int call_original(lua_State *L)
{
	lua_CFunction function = lua_tocfunction(L, lua_upvalueindex(1));

	if (function != NULL)
		return function(L);
	lua_pushvalue(L, lua_upvalueindex(1)); /* one that only Lua can call */
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

static int bounded_rep(lua_State *L)
{
	double bytes = (double)lua_objlen(L, 1) + (double)lua_objlen(L, 3);
	double total = bytes * lua_tonumber(L, 2);
	size_t most = most_of(L);

	if (total > (double)most)
		refuse_large(L, "what string.rep makes", most);
	return call_original(L);
}

static int bounded_concat(lua_State *L)
{
	size_t most = most_of(L), total = 0;
	int first = lua_isnoneornil(L, 3) ? 1 : (int)lua_tointeger(L, 3);
	int last = !lua_isnoneornil(L, 4) ? (int)lua_tointeger(L, 4)
		   : lua_istable(L, 1)	  ? (int)lua_objlen(L, 1)
					  : 0;
	size_t between = lua_type(L, 2) == LUA_TSTRING ? lua_objlen(L, 2) : NUMBER_BYTES;

	for (int i = first; i <= last && lua_istable(L, 1) && total <= most; i++) {
		lua_rawgeti(L, 1, i);
		int type = lua_type(L, -1);
		total += between + (type == LUA_TSTRING ? lua_objlen(L, -1) : NUMBER_BYTES);
		lua_pop(L, 1);
		if (type == LUA_TNIL)
			break; /* the original raises its error */
	}
	if (total > most)
		refuse_large(L, "what table.concat makes", most);
	return call_original(L);
}

/* How often does the pattern match? Replacing by nothing makes nothing longer. */
static double count_matches(lua_State *L)
{
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushvalue(L, 1);
	lua_pushvalue(L, 2);
	lua_pushliteral(L, "");
	lua_pushvalue(L, 4);
	lua_call(L, 4, 2);
	double count = lua_tonumber(L, -1);
	lua_pop(L, 2);
	return count;
}

/*
 * Stands for the table in the first upvalue. No Lua runs while gsub looks up long texts in a table,
 * so nothing else could stop it.
 */
static int look_up(lua_State *L)
{
	const struct memory *m = memory_of(L);
	bool is_late = m != NULL && m->fuse->state == FUSE_TIME;

	if (is_late || (m != NULL && m->is_too_large))
		return luaL_error(L, is_late ? "string.gsub ran for more than a hook may"
					     : "not enough memory for what string.gsub makes");
	lua_settop(L, 1); /* the first capture */
	lua_gettable(L, lua_upvalueindex(1));
	return 1;
}

static int bounded_gsub(lua_State *L)
{
	size_t most = most_of(L);
	double by = lua_type(L, 3) == LUA_TSTRING ? (double)lua_objlen(L, 3) : 0;

	lua_settop(L, 4);
	if (((double)lua_objlen(L, 1) + 1) * by > (double)most &&
	    count_matches(L) * by > (double)most)
		refuse_large(L, "what string.gsub makes", most);
	if (lua_istable(L, 3)) {
		lua_pushvalue(L, 3);
		lua_pushcclosure(L, look_up, 1);
		lua_replace(L, 3);
	}
	return call_original(L);
}

/* As lua-cjson writes it. */
static size_t json_string_bytes(const char *text, size_t n)
{
	size_t bytes = n + 4;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		bytes += c < 0x20 || c == 0x7f ? 5 : 0;
		bytes += c == '"' || c == '\\' || c == '/' ? 1 : 0;
	}
	return bytes;
}

/* Before the encoder writes a string it makes room for the worst case. */
static size_t json_value_bytes(lua_State *L, int index, size_t *longest)
{
	size_t n;

	if (lua_type(L, index) != LUA_TSTRING)
		return NUMBER_BYTES;
	const char *text = lua_tolstring(L, index, &n);
	if (n > *longest)
		*longest = n;
	return json_string_bytes(text, n);
}

/*
 * About how large the JSON text of the value at the top will be. The count ends above MOST. For
 * each table that the walk is in, Lua's stack holds the table and its next key.
 */
static size_t json_bytes(lua_State *L, size_t most)
{
	size_t longest = 0, total = json_value_bytes(L, -1, &longest);
	int depth = 0, top = lua_gettop(L);

	if (lua_istable(L, -1)) {
		depth = 1;
		lua_pushnil(L);
	}
	while (depth > 0 && total + 6 * longest <= most) {
		luaL_checkstack(L, 4, "JSON");
		if (lua_next(L, -2) == 0) {
			if (--depth > 0)
				lua_pop(L, 1); /* the table: below it is the key that it had */
			continue;
		}
		total += lua_type(L, -2) == LUA_TSTRING ? json_value_bytes(L, -2, &longest)
							: INDEX_BYTES;
		total += json_value_bytes(L, -1, &longest);
		if (lua_istable(L, -1) && depth < JSON_DEPTH_MAX) {
			depth++;
			lua_pushnil(L);
		} else {
			lua_pop(L, 1);
		}
	}
	lua_settop(L, top);
	return total + 6 * longest;
}

/* The buffer counts as memory while it is in use; it doubles when it grows. */
static int bounded_encode(lua_State *L)
{
	struct memory *m = memory_of(L);
	size_t most = most_of(L), bytes;

	luaL_checkany(L, 1);
	lua_settop(L, 1);
	bytes = json_bytes(L, most);
	if (bytes > most)
		refuse_large(L, "this JSON text", most);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	if (m != NULL)
		m->used += 2 * bytes;
	int status = lua_pcall(L, 1, 1, 0);
	if (m != NULL)
		m->used -= 2 * bytes;
	return status == 0 ? 1 : lua_error(L);
}

/* In the table on top of the stack. */
static void bound_function(lua_State *L, const char *name, lua_CFunction by)
{
	lua_getfield(L, -1, name);
	lua_pushcclosure(L, by, 1);
	lua_setfield(L, -2, name);
}

void large_guard(lua_State *L)
{
	lua_getglobal(L, "string");
	bound_function(L, "rep", bounded_rep);
	bound_function(L, "gsub", bounded_gsub);
	lua_getglobal(L, "table");
	bound_function(L, "concat", bounded_concat);
	lua_pop(L, 2);
}

void large_guard_json(lua_State *L)
{
	bound_function(L, "encode", bounded_encode);
}
