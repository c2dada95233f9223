#include "lua/depth.h"

#include <lauxlib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/cc.h"

/*
 * string.format calls __tostring without our check, as deep as Lua's own stack allows: some 6,000
 * times a coroutine. So the C stack is made much larger than what the checked functions may use of
 * it. The kernel keeps 128 MiB free below any stack, and pages that are not reached cost nothing.
 */
enum { STACK_BYTES = 64 * 1024 * 1024 };

/* How much of the stack may be in use where the function is called. */
static const struct {
	const char *library, *name;
	uint32_t bytes;
} guarded[] = {
	{ "string", "gsub", 2 * 1024 * 1024 }, /* 9 KiB a level */
	{ "table", "sort", 2 * 1024 * 1024 },  { "coroutine", "resume", 2 * 1024 * 1024 },
	{ "_G", "load", 512 * 1024 }, /* each level makes the error's text longer */
	{ "_G", "loadstring", 512 * 1024 },
};

/* One C stack a process: where Lua's part of it begins. */
static uintptr_t stack_base;

static void make_stack(void)
{
	struct rlimit l;

	stack_base = (uintptr_t)__builtin_frame_address(0);
	if (getrlimit(RLIMIT_STACK, &l) != 0 || l.rlim_cur >= STACK_BYTES)
		return;
	l.rlim_cur = l.rlim_max < STACK_BYTES ? l.rlim_max : STACK_BYTES;
	(void)setrlimit(RLIMIT_STACK, &l); /* as much as the hard limit allows */
}

static void check_depth(lua_State *L)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t used = stack_base > here ? stack_base - here : here - stack_base;
	unsigned i = (unsigned)lua_tointeger(L, lua_upvalueindex(2));

	if (used > guarded[i].bytes)
		(void)luaL_error(L, "stack overflow (%s.%s calls itself too deeply)",
				 guarded[i].library, guarded[i].name);
}

/* Upvalues: the C function, its place in the list. */
static int call_guarded_c(lua_State *L)
{
	lua_CFunction function = lua_tocfunction(L, lua_upvalueindex(1));

	check_depth(L);
	return function(L);
}

/* The same for functions that only Lua can call. */
static int call_guarded_lua(lua_State *L)
{
	check_depth(L);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_insert(L, 1);
	lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
	return lua_gettop(L);
}

/* A C function without upvalues may be called as one. */
static bool is_plain_c(lua_State *L)
{
	if (lua_tocfunction(L, -1) == NULL)
		return false;
	if (lua_getupvalue(L, -1, 1) == NULL)
		return true;
	lua_pop(L, 1);
	return false;
}

static void guard_function(lua_State *L, unsigned i)
{
	lua_getglobal(L, guarded[i].library);
	lua_getfield(L, -1, guarded[i].name);
	bool is_c = is_plain_c(L);
	lua_pushinteger(L, (lua_Integer)i);
	lua_pushcclosure(L, is_c ? call_guarded_c : call_guarded_lua, 2);
	lua_setfield(L, -2, guarded[i].name);
	lua_pop(L, 1);
}

void depth_guard(lua_State *L)
{
	make_stack();
	for (unsigned i = 0; i < countof(guarded); i++)
		guard_function(L, i);
}
