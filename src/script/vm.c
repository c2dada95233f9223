#include "script/vm.h"

#include <lauxlib.h>
#include <luajit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "script/co.h"
#include "script/conf_read.h"
#include "script/libs.h"
#include "script/state.h"

enum { MEMORY_MB_DEFAULT = 256, TRACE_BYTES_MAX = 1024, TRACE_LINES_MAX = 12 };

/* The functions that Lua calls find their vm here: one a process. */
static struct vm *the_vm;

struct vm *vm_current(void)
{
	return the_vm;
}

/* Counts what is allocated; above the cap the answer is NULL, which Lua raises as an error. */
static void *allocate(void *ctx, void *old, size_t old_bytes, size_t bytes)
{
	struct memory *m = ctx;
	if (bytes == 0) {
		free(old);
		m->used -= old_bytes;
		return NULL;
	}
	if (bytes > old_bytes && m->used + (bytes - old_bytes) > m->cap + m->reserve)
		return NULL;
	void *new = realloc(old, bytes);
	if (new != NULL)
		m->used += bytes - old_bytes;
	return new;
}

struct description {
	lua_State *of;
	const char *error; /* NULL: it is on the stack */
	char *to;
	size_t size;
};

/* Adds a line of the traceback, unless it is the runtime's own. */
static size_t add_place(char *to, size_t size, size_t n, struct str line)
{
	line = str_trim(line);
	if (line.n == 0 || memmem(line.p, line.n, "neap/runtime/", 13) != NULL ||
	    str_eq(line, STR("[C]: in function 'error'")) || n + 8 >= size)
		return n;
	int wrote = snprintf(to + n, size - n, " < %.*s", (int)line.n, line.p);
	return wrote < 0 ? n : n + (size_t)wrote < size ? n + (size_t)wrote : size - 1;
}

/* A function called in `return f(…)` leaves no frame of who called it, so an error that is to be told
 * with the caller's line gets that of the runtime's call of the hook, which helps nobody. */
static const char *without_runtime_line(const char *text, bool *has_none)
{
	static const char place[] = "lua/neap/runtime/dispatch.lua:";
	*has_none = strncmp(text, place, sizeof place - 1) == 0;
	if (!*has_none)
		return text;
	const char *rest = strstr(text + sizeof place - 1, ": ");
	return rest != NULL ? rest + 2 : text;
}

static int describe(lua_State *L)
{
	struct description *d = lua_touserdata(L, 1);
	const char *text = d->error != NULL ? d->error : lua_tostring(d->of, -1);
	if (text == NULL)
		text = lua_pushfstring(L, "the error is a %s, not a text",
				       luaL_typename(d->of, -1));
	bool has_none;
	text = without_runtime_line(text, &has_none);
	(void)snprintf(d->to, d->size, "%s%s", text,
		       has_none ? " (in a call after return: its line is not known)" : "");
	size_t n = strlen(d->to);
	luaL_traceback(L, d->of, "", 0);
	struct str rest = str_of(lua_tostring(L, -1)), line;
	for (unsigned i = 0; i < TRACE_LINES_MAX && str_split(&rest, '\n', &line); i++) {
		if (i >= 2) /* the first two are "" and "stack traceback:" */
			n = add_place(d->to, d->size, n, line);
	}
	return 0;
}

void vm_describe(struct vm *vm, lua_State *L, const char *error, char *to, size_t size)
{
	struct description d = { .of = L, .error = error, .to = to, .size = size };
	to[0] = '\0';
	if (lua_cpcall(vm->L, describe, &d) != 0) {
		lua_pop(vm->L, 1);
		if (to[0] == '\0')
			(void)snprintf(to, size, "not enough memory");
	}
	for (char *p = to; *p != '\0'; p++) {
		if (*p == '\n')
			*p = ' ';
	}
}

static int with_traceback(lua_State *L)
{
	struct vm *vm = the_vm;
	char text[TRACE_BYTES_MAX];
	vm_describe(vm, L, lua_tostring(L, 1), text, sizeof text);
	lua_pushstring(L, text);
	return 1;
}

/* All that may run out of memory while the state is made. */
static int open_state(lua_State *L)
{
	struct vm *vm = lua_touserdata(L, 1);
	libs_open(L);
	lua_pushcfunction(L, with_traceback);
	vm->traceback = luaL_ref(L, LUA_REGISTRYINDEX);
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "loaded");
	native_push(vm);
	lua_setfield(L, -2, "neap.native");
	return 0;
}

static int take_field(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	return luaL_ref(L, LUA_REGISTRYINDEX);
}

static int open_runtime(lua_State *L)
{
	struct vm *vm = lua_touserdata(L, 1);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "neap.runtime");
	lua_call(L, 1, 1);
	vm->requests = take_field(L, "requests");
	vm->run_task = take_field(L, "run_task");
	vm->end_task = take_field(L, "end_task");
	vm->runtime = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

static void set_current(struct vm *vm)
{
	struct board *b = vm->o.board;
	struct board_worker *row = vm->o.worker >= 0 ? &b->workers[vm->o.worker] : &b->agent;
	vm->current.board = b;
	vm->current.worker = vm->o.worker;
	vm->current.unix_now = &vm->o.loop->unix_now;
	/* The same word: LuaJIT knows no atomics, and this is the only writer. */
	vm->current.hook = (volatile uint32_t *)(void *)&row->hook;
	vm->hook_since = &row->hook_since_ms;
	atomic_store(vm->hook_since, 0); /* the one before may have died in a hook */
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
	lua_State *L = lua_newstate(allocate, &vm->memory);
	if (L != NULL)
		return L;
	/* A LuaJIT without GC64 on x86-64 needs an allocator of its own. */
	log_warn("this LuaJIT takes no allocator: policies may use memory without a limit");
	return luaL_newstate();
}

static enum err start(struct vm *vm, lua_CFunction step, struct error *e)
{
	if (lua_cpcall(vm->L, step, vm) == 0)
		return ERR_OK;
	const char *why = lua_tostring(vm->L, -1);
	enum err code = err_set(e, ERR_SCRIPT, "the Lua runtime: %s", why == NULL ? "?" : why);
	lua_pop(vm->L, 1);
	return code;
}

enum err vm_create(struct vm **out, const struct vm_options *o, struct error *e)
{
	struct vm *vm = calloc(1, sizeof *vm);
	if (vm == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a Lua state");
	vm->o = *o;
	vm->memory.cap = (size_t)(o->memory_mb == 0 ? MEMORY_MB_DEFAULT : o->memory_mb) << 20;
	vm->runtime = vm->requests = vm->run_task = vm->end_task = LUA_NOREF;
	list_init(&vm->co_idle);
	list_init(&vm->co_busy);
	list_init(&vm->tasks);
	deferred_init(&vm->gc_later, NULL);
	vm->id_prefix = (uint32_t)(neap_random() * 4294967296.0);
	vm->line.answer = -1;
	set_current(vm);
	vm->L = new_state(vm);
	if (vm->L == NULL) {
		free(vm);
		return err_set(e, ERR_MEMORY, "no memory for a Lua state");
	}
	the_vm = vm;
	(void)lua_atpanic(vm->L, panic);
	if (!fuse_arm(&vm->fuse, vm->L))
		log_warn("endless loops in policies cannot be stopped with this LuaJIT (%s): a "
			 "worker that hangs in one is replaced",
			 LUAJIT_VERSION);
	enum err code = start(vm, open_state, e);
	if (code == ERR_OK)
		code = start(vm, open_runtime, e);
	if (code != ERR_OK) {
		vm_destroy(vm);
		return code;
	}
	*out = vm;
	return ERR_OK;
}

void vm_destroy(struct vm *vm)
{
	if (vm == NULL)
		return;
	loop_defer_cancel(&vm->gc_later);
	fuse_disarm(&vm->fuse);
	task_fini(vm);
	co_fini(vm);
	hooks_fini(vm);
	if (vm->dns != NULL)
		dns_destroy(vm->dns);
	lua_close(vm->L);
	free(vm->line.text);
	the_vm = NULL;
	free(vm);
}

struct lua_State *vm_lua(struct vm *vm)
{
	return vm->L;
}

size_t vm_memory(const struct vm *vm)
{
	return vm->memory.used;
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
	lua_rawgeti(L, LUA_REGISTRYINDEX, vm->traceback);
	lua_insert(L, handler);
	fuse_enter(&vm->fuse, ticks);
	int status = lua_pcall(L, nargs, results, handler);
	memcpy(where, vm->fuse.where, sizeof(where));
	(void)fuse_leave(&vm->fuse);
	lua_remove(L, handler);
	vm_gc_look(vm);
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

static enum err call_with_path(struct vm *vm, const char *field, struct error *e)
{
	vm_push_runtime(vm, field);
	lua_pushstring(vm->L, vm->o.config);
	enum err code = vm_call(vm, 1, 2, FUSE_TICKS_LOAD, e);
	if (code != ERR_OK) {
		lua_pushnil(vm->L);
		lua_pushnil(vm->L);
		return err_set(e, code, "%s: %s", vm->o.config, e->text);
	}
	return second_result(vm, e);
}

static int build_hooks(lua_State *L)
{
	struct vm *vm = lua_touserdata(L, lua_upvalueindex(1));
	lua_settop(L, 1);
	hooks_build(vm);
	return 0;
}

static enum err load_services(struct vm *vm, struct error *e)
{
	lua_State *L = vm->L;
	enum err code = call_with_path(vm, "build", e);
	if (code != ERR_OK)
		return code;
	lua_pushlightuserdata(L, vm);
	lua_pushcclosure(L, build_hooks, 1);
	lua_pushvalue(L, -3);
	return vm_call(vm, 1, 0, FUSE_TICKS_LOAD, e);
}

enum err vm_read_conf(struct vm *vm, struct conf *c, struct error *e)
{
	lua_State *L = vm->L;
	int top = lua_gettop(L);
	memset(c, 0, sizeof *c);
	enum err code = call_with_path(vm, "load", e);
	if (code == ERR_OK)
		code = conf_read(L, -2, c, e);
	lua_settop(L, top);
	return code;
}

enum err vm_load(struct vm *vm, struct conf *c, struct error *e)
{
	lua_State *L = vm->L;
	int top = lua_gettop(L);
	memset(c, 0, sizeof *c);
	enum err code = call_with_path(vm, "load", e);
	if (code == ERR_OK)
		code = conf_read(L, -2, c, e);
	if (code == ERR_OK) {
		vm->conf = c;
		code = load_services(vm, e);
		if (code != ERR_OK)
			conf_fini(c);
	}
	lua_settop(L, top);
	if (code == ERR_OK)
		vm_gc_start(vm);
	return code;
}
