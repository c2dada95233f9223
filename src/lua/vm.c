#include "lua/vm.h"

#include <lauxlib.h>
#include <luajit.h>
#include <stdlib.h>
#include <string.h>

#include "base/dice.h"
#include "base/log.h"
#include "lua/conf_read.h"
#include "lua/libs.h"
#include "lua/traceback.h"

/* All that may run out of memory while the state is made. */
static int open_state(lua_State *L)
{
	struct vm *vm = lua_touserdata(L, 1);
	libs_open(L);
	lua_pushcfunction(L, traceback_handler);
	vm->handler = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "loaded");
	native_push(L, &vm->native);
	lua_setfield(L, -2, "neap.native");
	return 0;
}

static int open_runtime(lua_State *L)
{
	struct vm *vm = lua_touserdata(L, 1);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "neap.runtime");
	lua_call(L, 1, 1);
	vm->runtime = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

/*
 * Processes of one master find the same addresses free. A config that depends on them (tostring of
 * a table, pairs over such keys) shall be found out at the start, not when a worker is replaced.
 */
static void *displace(void)
{
	return malloc(16 + (size_t)(dice_roll() * 256) * 16); /* NULL: at the same place */
}

/* An error that nothing catches: memory ran out outside of hooks. The process ends. */
static int panic(lua_State *L)
{
	const char *why = lua_tostring(L, -1);
	log_error("the Lua runtime cannot go on: %s", why == NULL ? "?" : why);
	return 0;
}

static lua_State *new_state(struct vm *vm)
{
	lua_State *L = lua_newstate(memory_allocate, &vm->memory);
	if (L != NULL)
		return L;
	/* A LuaJIT without GC64 on x86-64 needs an allocator of its own. */
	log_warn("this LuaJIT takes no allocator: policies may use memory without a limit");
	return luaL_newstate();
}

static enum err run_step(struct vm *vm, lua_CFunction step, struct error *e)
{
	if (lua_cpcall(vm->L, step, vm) == 0)
		return ERR_OK;
	const char *why = lua_tostring(vm->L, -1);
	enum err code = err_set(e, ERR_SCRIPT, "the Lua runtime: %s", why == NULL ? "?" : why);
	lua_pop(vm->L, 1);
	return code;
}

/* fuse.on_full */
static bool on_memory_full(struct fuse *f, lua_State *L)
{
	return gc_make_room(&container_of(f, struct vm, fuse)->gc, L);
}

static enum err open_vm(struct vm *vm, struct error *e)
{
	vm->L = vm->gc.L = new_state(vm);
	if (vm->L == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a Lua state");
	(void)lua_atpanic(vm->L, panic);
	if (!fuse_arm(&vm->fuse, vm->L))
		log_warn("endless loops in policies cannot be stopped with this LuaJIT (%s): a "
			 "worker that hangs in one is replaced",
			 LUAJIT_VERSION);
	enum err code = run_step(vm, open_state, e);
	return code == ERR_OK ? run_step(vm, open_runtime, e) : code;
}

enum err vm_init(struct vm *vm, const struct vm_options *o, struct error *e)
{
	vm->native = o->native;
	vm->runtime = vm->handler = LUA_NOREF;
	memory_init(&vm->memory, &vm->fuse, MEMORY_DEFAULT_BYTES);
	gc_init(&vm->gc);
	vm->gc.memory = &vm->memory;
	vm->gc.loop = o->loop;
	vm->gc.entry = o->entry;
	vm->fuse.on_full = on_memory_full;
	vm->displacement = displace();
	enum err code = open_vm(vm, e);
	if (code != ERR_OK)
		vm_fini(vm);
	return code;
}

void vm_fini(struct vm *vm)
{
	gc_fini(&vm->gc);
	fuse_disarm(&vm->fuse);
	if (vm->L != NULL)
		lua_close(vm->L);
	free(vm->displacement);
}

void vm_push_runtime(struct vm *vm, const char *field)
{
	lua_rawgeti(vm->L, LUA_REGISTRYINDEX, vm->runtime);
	lua_getfield(vm->L, -1, field);
	lua_remove(vm->L, -2);
}

/* The error that ended a call; a fuse that has blown knows which line of the user's it was. */
static enum err call_error(struct vm *vm, int status, const char *where, uint32_t ticks,
			   struct error *e)
{
	const char *why = lua_tostring(vm->L, -1);
	enum err code;

	if (where[0] != '\0')
		code = err_set(e, ERR_SCRIPT, "%s ran for more than %u ms", where,
			       (unsigned)ticks * FUSE_TICK_MS);
	else
		code = err_set(e, status == LUA_ERRMEM ? ERR_MEMORY : ERR_SCRIPT, "%s",
			       why == NULL ? "an error without a text" : why);
	lua_pop(vm->L, 1);
	return code;
}

enum err vm_call(struct vm *vm, int nargs, int results, uint32_t ticks, struct error *e)
{
	char where[sizeof(vm->fuse.where)];
	lua_State *L = vm->L;
	int handler = lua_gettop(L) - nargs;
	lua_rawgeti(L, LUA_REGISTRYINDEX, vm->handler);
	lua_insert(L, handler);
	vm->memory.user = ticks == FUSE_TICKS_RUNTIME ? MEMORY_OF_RUNTIME : MEMORY_OF_POLICY;
	memory_enter(&vm->memory);
	fuse_enter(&vm->fuse, ticks);
	int status = lua_pcall(L, nargs, results, handler);
	memcpy(where, vm->fuse.where, sizeof(where));
	(void)fuse_leave(&vm->fuse);
	lua_remove(L, handler);
	vm_look_at_garbage(vm);
	return status == 0 ? ERR_OK : call_error(vm, status, where, ticks, e);
}

/* After a call of the runtime that gives a value, or nil and a text. */
static enum err second_result(struct vm *vm, struct error *e)
{
	if (!lua_isnil(vm->L, -2))
		return ERR_OK;
	const char *why = lua_tostring(vm->L, -1);
	return err_set(e, ERR_INVALID, "%s", why == NULL ? "the config is wrong" : why);
}

enum err vm_call_with_config(struct vm *vm, const char *field, struct error *e)
{
	vm_push_runtime(vm, field);
	lua_pushstring(vm->L, vm->native.config);
	enum err code = vm_call(vm, 1, 2, FUSE_TICKS_LOAD, e);
	if (code != ERR_OK) {
		lua_pushnil(vm->L);
		lua_pushnil(vm->L);
		return err_set(e, code, "%s: %s", vm->native.config, e->text);
	}
	return second_result(vm, e);
}

enum err vm_evaluate(struct vm *vm, struct conf *c, struct error *e)
{
	enum err code = vm_call_with_config(vm, "load", e);

	if (code == ERR_OK)
		code = conf_read(vm->L, -2, c, e);
	if (vm->native.bundle != NULL)
		bundle_end_loan(vm->native.bundle);
	return code;
}

enum err vm_read_conf(struct vm *vm, struct conf *c, struct error *e)
{
	lua_State *L = vm->L;
	int top = lua_gettop(L);
	memset(c, 0, sizeof *c);
	enum err code = vm_evaluate(vm, c, e);
	lua_settop(L, top);
	return code;
}

/* Hooks need memory, too: refused now is better than every hook of every service later. */
enum err vm_start_collector(struct vm *vm, struct error *e)
{
	struct memory *m = &vm->memory;
	gc_start(&vm->gc);
	if (!memory_is_full(m))
		return ERR_OK;
	return err_set(e, ERR_LIMIT,
		       "%s: lua_memory: the config and its policies keep %zu MiB of %zu when they "
		       "are loaded (a sixteenth must be left for hooks): raise it",
		       vm->native.config, m->used >> 20, m->cap >> 20);
}
