#include "script/policies.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "shm/board.h"

static struct policies *the_policies;

struct policies *policies_current(void)
{
	return the_policies;
}

/* While the config is read, the clock stands still: all processes of a generation read the same time. */
static void stop_clock(struct policies *p)
{
	int64_t began_ms = atomic_load(&p->o.board->life.began_ms);
	p->load_now = began_ms != 0 ? (double)began_ms / 1e3 : p->o.loop->unix_now;
	p->cos.current.unix_now = &p->load_now;
}

static int take_field(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Protected: the functions of the runtime that C calls. */
static int take_functions(lua_State *L)
{
	struct policies *p = lua_touserdata(L, lua_upvalueindex(1));
	lua_rawgeti(L, LUA_REGISTRYINDEX, p->vm.runtime);
	p->hooks.requests = take_field(L, "requests");
	p->tasks.run = take_field(L, "run_task");
	p->tasks.end = take_field(L, "end_task");
	return 0;
}

/* Calls a function of ours, which finds the policies in its first upvalue. */
static enum err call_function(struct policies *p, lua_CFunction function, int nargs, uint32_t ticks,
			      struct error *e)
{
	lua_State *L = p->vm.L;
	lua_pushlightuserdata(L, p);
	lua_pushcclosure(L, function, 1);
	lua_insert(L, -1 - nargs);
	return vm_call(&p->vm, nargs, 0, ticks, e);
}

enum err policies_create(struct policies **out, const struct policies_options *o, struct error *e)
{
	struct policies *p = calloc(1, sizeof *p);
	if (p == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a Lua state");
	p->o = *o;
	certificate_cache_init(&p->certificates);
	holds_init(&p->holds);
	co_pool_init(&p->cos, &p->vm, o->loop, o->board, o->worker);
	stop_clock(p);
	the_policies = p; /* the runtime asks for it while it loads */
	struct vm_options vm = { .loop = o->loop, .entry = p->cos.entry, .native = o->native };
	enum err code = vm_init(&p->vm, &vm, e);
	if (code != ERR_OK) {
		the_policies = NULL;
		holds_fini(&p->holds);
		free(p);
		return code;
	}
	hook_table_init(&p->hooks, &p->cos, o->board, o->worker);
	tasks_init(&p->tasks, &p->cos);
	code = call_function(p, take_functions, 0, FUSE_TICKS_RUNTIME, e);
	if (code != ERR_OK) {
		policies_destroy(p);
		return code;
	}
	*out = p;
	return ERR_OK;
}

void policies_destroy(struct policies *p)
{
	if (p == NULL)
		return;
	tasks_fini(&p->tasks);
	co_pool_fini(&p->cos);
	hook_table_fini(&p->hooks);
	vm_fini(&p->vm);
	holds_fini(&p->holds);
	stores_fini(&p->stores);
	certificate_cache_fini(&p->certificates);
	the_policies = NULL;
	free(p);
}

static int build_table(lua_State *L)
{
	struct policies *p = lua_touserdata(L, lua_upvalueindex(1));
	lua_settop(L, 1);
	hook_table_build(&p->hooks);
	return 0;
}

static enum err load_services(struct policies *p, struct error *e)
{
	enum err code = vm_call_with_config(&p->vm, "build", e);
	if (code != ERR_OK)
		return code;
	lua_pushvalue(p->vm.L, -2);
	return call_function(p, build_table, 1, FUSE_TICKS_LOAD, e);
}

/* In the order of the config, which the plan's is, too. */
static enum err open_stores(struct policies *p, const struct conf *c, struct error *e)
{
	enum err err = stores_init(&p->stores, c, e);

	for (unsigned i = 0; i < p->o.store_fds_n && err == ERR_OK; i++)
		err = stores_take(&p->stores, i, p->o.store_fds[i], e);
	return err;
}

static enum err load_policies(struct policies *p, struct conf *c, struct error *e)
{
	if (p->o.on_conf != NULL && p->o.on_conf(p->o.conf_ctx, c, e) != ERR_OK)
		return e->code;
	if (open_stores(p, c, e) != ERR_OK)
		return e->code;
	p->vm.memory.cap = (size_t)c->lua_memory;
	co_pool_set_conf(&p->cos, c);
	hook_table_set_conf(&p->hooks, c);
	enum err code = load_services(p, e);
	return code == ERR_OK ? vm_start_collector(&p->vm, e) : code;
}

enum err policies_load(struct policies *p, struct conf *c, struct error *e)
{
	lua_State *L = p->vm.L;
	int top = lua_gettop(L);
	memset(c, 0, sizeof *c);
	enum err code = vm_evaluate(&p->vm, c, e);
	if (code == ERR_OK) {
		code = load_policies(p, c, e);
		if (code != ERR_OK)
			conf_fini(c);
	}
	lua_settop(L, top);
	if (code == ERR_OK)
		p->cos.current.unix_now = &p->o.loop->unix_now;
	return code;
}

struct hooks *policies_hooks(struct policies *p, unsigned service)
{
	return service < p->hooks.services_n ? &p->hooks.services[service] : NULL;
}

void policies_tell_state_change(const struct policies *p)
{
	if (p->o.on_state_change != NULL)
		p->o.on_state_change(p->o.ctx);
}

void policies_forget_previous(struct policies *p)
{
	p->o.previous = NULL;
}
