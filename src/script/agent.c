/* The clockwork behind lua/neap/agent: a timer that calls its tick. */
#include "script/state.h"

#include <lauxlib.h>

#include "base/log.h"

static const double tick_s = 0.1;	 /* as in lua/neap/agent/init.lua */
static const double eager_tick_s = 0.02; /* until it is ready, for workers wait for that */

static const char registry_key; /* its address names the agent in Lua's registry */

/* A userdata of the state, which ends it when it is closed. */
struct agent {
	struct vm *vm;
	ev_timer timer;
	int module; /* reference of what require "neap.agent" gave */
	void (*on_ready)(void *ctx);
	void *ctx;
	bool is_started;
	struct log_limit errors;
};

static void set_pace(struct agent *a, double seconds)
{
	a->timer.repeat = seconds;
	ev_timer_again(a->vm->o.loop->ev, &a->timer);
}

/* Calls the module's function with nargs arguments, which are on the stack. */
static enum err call(struct agent *a, const char *function, int nargs, int results, struct error *e)
{
	lua_State *L = a->vm->L;
	lua_rawgeti(L, LUA_REGISTRYINDEX, a->module);
	lua_getfield(L, -1, function);
	lua_remove(L, -2);
	lua_insert(L, -1 - nargs);
	return vm_call(a->vm, nargs, results, FUSE_TICKS_RUNTIME, e);
}

static void log_failure(struct agent *a, const struct error *e)
{
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];
	if (log_may(&a->errors, loop_now_ms(a->vm->o.loop), &skipped))
		log_error("the agent's tick failed: %s%s", e->text, log_left_out(more, skipped));
}

static void tick_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct agent *a = w->data;
	struct error e;
	(void)loop;
	(void)events; /* a timer has one event only */
	if (call(a, "tick", 0, 1, &e) != ERR_OK) {
		log_failure(a, &e);
		return;
	}
	bool is_ready = lua_toboolean(a->vm->L, -1) != 0;
	lua_pop(a->vm->L, 1);
	if (!is_ready || a->on_ready == NULL)
		return;
	void (*on_ready)(void *ctx) = a->on_ready;
	a->on_ready = NULL;
	set_pace(a, tick_s);
	on_ready(a->ctx);
}

static int collect(lua_State *L)
{
	struct agent *a = lua_touserdata(L, 1);
	ev_timer_stop(a->vm->o.loop->ev, &a->timer);
	return 0;
}

/* Protected, for memory may run out. Leaves the agent in the registry. */
static int create(lua_State *L)
{
	struct vm *vm = lua_touserdata(L, 1);
	struct agent *a = lua_newuserdata(L, sizeof *a);
	*a = (struct agent){ .vm = vm };
	ev_timer_init(&a->timer, tick_cb, 0., eager_tick_s);
	a->timer.data = a;
	lua_createtable(L, 0, 1);
	lua_pushcfunction(L, collect);
	lua_setfield(L, -2, "__gc");
	lua_setmetatable(L, -2);
	lua_pushlightuserdata(L, (void *)&registry_key);
	lua_insert(L, -2);
	lua_rawset(L, LUA_REGISTRYINDEX);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "neap.agent");
	lua_call(L, 1, 1);
	a->module = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

/* NULL: not started. Allocates nothing, and may be called while a hook runs. */
static struct agent *agent_of(struct vm *vm)
{
	lua_pushlightuserdata(vm->L, (void *)&registry_key);
	lua_rawget(vm->L, LUA_REGISTRYINDEX);
	struct agent *a = lua_touserdata(vm->L, -1);
	lua_pop(vm->L, 1);
	return a;
}

enum err vm_agent_start(struct vm *vm, void (*on_ready)(void *ctx), void *ctx, struct error *e)
{
	lua_pushcfunction(vm->L, create);
	lua_pushlightuserdata(vm->L, vm);
	enum err err = vm_call(vm, 1, 0, FUSE_TICKS_RUNTIME, e);
	if (err != ERR_OK)
		return err;
	struct agent *a = agent_of(vm);
	a->on_ready = on_ready;
	a->ctx = ctx;
	vm_push_runtime(vm, "config");
	err = call(a, "start", 1, 0, e);
	if (err == ERR_OK)
		ev_timer_start(vm->o.loop->ev, &a->timer);
	a->is_started = err == ERR_OK;
	return err;
}

void vm_agent_stop(struct vm *vm)
{
	struct agent *a = agent_of(vm);
	if (a != NULL)
		ev_timer_stop(vm->o.loop->ev, &a->timer);
}

void vm_agent_finish(struct vm *vm)
{
	struct agent *a = agent_of(vm);
	struct error e;
	if (a != NULL && a->is_started && call(a, "finish", 0, 0, &e) != ERR_OK)
		log_failure(a, &e);
}

void vm_forget_previous(struct vm *vm)
{
	vm->o.previous = NULL;
}

void vm_agent_wake(struct vm *vm)
{
	struct agent *a = agent_of(vm);
	/* Not from here: a hook may be running. Many calls in one turn are one tick. */
	if (a != NULL && ev_is_active(&a->timer))
		ev_feed_event(vm->o.loop->ev, &a->timer, EV_TIMER);
}
