#include "script/ticker.h"

#include <lauxlib.h>

static const double tick_s = 0.1;	 /* as in lua/neap/agent/init.lua */
static const double eager_tick_s = 0.02; /* until it is ready, for workers wait for that */

static void set_pace(struct ticker *t, double seconds)
{
	t->timer.repeat = seconds;
	ev_timer_again(t->loop->ev, &t->timer);
}

/* Calls the module's function with nargs arguments, which are on the stack. */
static enum err call_module(struct ticker *t, const char *function, int nargs, int results,
			    struct error *e)
{
	lua_State *L = t->vm->L;
	lua_rawgeti(L, LUA_REGISTRYINDEX, t->module);
	lua_getfield(L, -1, function);
	lua_remove(L, -2);
	lua_insert(L, -1 - nargs);
	return vm_call(t->vm, nargs, results, FUSE_TICKS_RUNTIME, e);
}

static void log_failure(struct ticker *t, const struct error *e)
{
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];
	if (log_may(&t->errors, loop_now_ms(t->loop), &skipped))
		log_error("the agent's tick failed: %s%s", e->text, log_left_out(more, skipped));
}

static void tick_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct ticker *t = container_of(w, struct ticker, timer);
	struct error e;
	(void)loop;
	(void)events; /* a timer has one event only */
	if (call_module(t, "tick", 0, 1, &e) != ERR_OK) {
		log_failure(t, &e);
		return;
	}
	bool is_ready = lua_toboolean(t->vm->L, -1) != 0;
	lua_pop(t->vm->L, 1);
	if (!is_ready || t->on_ready == NULL)
		return;
	void (*on_ready)(void *ctx) = t->on_ready;
	t->on_ready = NULL;
	set_pace(t, tick_s);
	on_ready(t->ctx);
}

/* Protected, for memory may run out. */
static int load_module(lua_State *L)
{
	struct ticker *t = lua_touserdata(L, 1);
	lua_getglobal(L, "require");
	lua_pushliteral(L, "neap.agent");
	lua_call(L, 1, 1);
	t->module = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

enum err ticker_start(struct ticker *t, struct vm *vm, struct loop *loop,
		      void (*on_ready)(void *ctx), void *ctx, struct error *e)
{
	*t = (struct ticker){ .vm = vm, .loop = loop, .on_ready = on_ready, .ctx = ctx };
	ev_timer_init(&t->timer, tick_cb, 0., eager_tick_s);
	lua_pushcfunction(vm->L, load_module);
	lua_pushlightuserdata(vm->L, t);
	enum err err = vm_call(vm, 1, 0, FUSE_TICKS_RUNTIME, e);
	if (err != ERR_OK)
		return err;
	vm_push_runtime(vm, "config");
	err = call_module(t, "start", 1, 0, e);
	if (err == ERR_OK)
		ev_timer_start(loop->ev, &t->timer);
	else
		t->module = 0;
	return err;
}

void ticker_stop(struct ticker *t)
{
	if (t->module != 0)
		ev_timer_stop(t->loop->ev, &t->timer);
}

void ticker_finish(struct ticker *t)
{
	struct error e;
	if (t->module != 0 && call_module(t, "finish", 0, 0, &e) != ERR_OK)
		log_failure(t, &e);
	ticker_stop(t);
}

void ticker_wake(struct ticker *t)
{
	/* Not from here: a hook may be running. Many calls in one turn are one tick. */
	if (ev_is_active(&t->timer))
		ev_feed_event(t->loop->ev, &t->timer, EV_TIMER);
}
