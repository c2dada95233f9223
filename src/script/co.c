#include "script/co.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/log.h"
#include "script/cost.h"

/* Makes the thread with the runtime's body on its stack; protected, for memory may run out. */
static int make_thread(lua_State *L)
{
	struct co *co = lua_touserdata(L, 1);
	lua_State *thread = lua_newthread(L);
	vm_push_runtime(co->vm, "body");
	lua_xmove(L, thread, 1);
	co->ref = luaL_ref(L, LUA_REGISTRYINDEX);
	co->L = thread;
	return 0;
}

static void timer_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct co *co = w->data;
	(void)loop;
	(void)events; /* a timer has one event only */
	int64_t now_ms = loop_now_ms(co->vm->o.loop);
	if (co->deadline_ms != 0 && now_ms >= co->deadline_ms) {
		co->on_end(co, CO_FAILED, true);
		return;
	}
	wait_expire(&co->wait);
	co_wake(co);
}

static struct co *create(struct vm *vm)
{
	if (vm->cos >= VM_COS_MAX)
		return NULL;
	struct co *co = calloc(1, sizeof *co);
	if (co == NULL)
		return NULL;
	co->vm = vm;
	list_init(&co->node);
	wait_init(&co->wait);
	ev_init(&co->timer, timer_cb);
	co->timer.data = co;
	if (lua_cpcall(vm->L, make_thread, co) != 0) {
		lua_pop(vm->L, 1);
		free(co);
		return NULL;
	}
	vm->cos++;
	return co;
}

static void destroy(struct co *co)
{
	luaL_unref(co->vm->L, LUA_REGISTRYINDEX, co->ref);
	co->vm->cos--;
	free(co);
}

struct co *co_take(struct vm *vm)
{
	struct list *first = list_first(&vm->co_idle);
	struct co *co = first == NULL ? create(vm) : container_of(first, struct co, node);
	if (unlikely(co == NULL))
		return NULL;
	list_remove(&co->node);
	list_append(&vm->co_busy, &co->node);
	co->has_waited = false;
	return co;
}

/* Ends what the entry left open. */
static void end_waits(struct co *co)
{
	/* One that has fired but was not called yet is inactive and still to be stopped. */
	ev_timer_stop(co->vm->o.loop->ev, &co->timer);
	wait_fini(&co->wait);
	co->is_waiting = false;
}

void co_put(struct co *co)
{
	if (unlikely(co->has_waited))
		end_waits(co);
	list_remove(&co->node);
	list_prepend(&co->vm->co_idle, &co->node);
}

void co_drop(struct co *co)
{
	end_waits(co);
	list_remove(&co->node);
	destroy(co);
}

static void set_current(struct vm *vm, struct co *co)
{
	neap_current *current = &vm->current;
	current->request = co->request;
	current->response = co->response;
	current->failure = co->failure;
	current->outcome = co->outcome;
	current->may_wait = co->may_wait;
	current->waited = co->has_waited;
	vm->running = co;
}

/*
 * Hooks that hold the loop. The coarse clock is cheap but also counts the time in which another
 * process had the CPU, so what it suspects is looked at closely the next times: processor time
 * used, or no other process in between.
 */
enum { SLOW_SUSPECT_MS = 8, SLOW_CPU_US = 5000, SLOW_PROBES = 32 };

static int64_t us_of(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static bool is_proven(const struct rusage *before)
{
	struct rusage after;
	if (before == NULL)
		return false;
	(void)getrusage(RUSAGE_THREAD, &after); /* cannot fail */
	int64_t cpu_us = us_of(after.ru_utime) - us_of(before->ru_utime) + us_of(after.ru_stime) -
			 us_of(before->ru_stime);
	return cpu_us >= SLOW_CPU_US || after.ru_nivcsw == before->ru_nivcsw;
}

static void look_at_slow(struct co *co, int64_t ms, const struct rusage *before)
{
	struct vm *vm = co->vm;
	uint32_t skipped;
	char place[256], more[LOG_LEFT_OUT_MAX];
	if (co->ticks != FUSE_TICKS_HOOK)
		return;
	vm->slow_probes = SLOW_PROBES;
	if (!is_proven(before) || !log_may(&vm->slow, loop_now_ms(vm->o.loop), &skipped))
		return;
	hook_name(vm, place, sizeof place);
	log_warn("%s held the loop for %lld ms%s", place, (long long)ms,
		 log_left_out(more, skipped));
}

static enum co_result run(struct co *co, int nargs)
{
	struct vm *vm = co->vm;
	int64_t began_ms = vm_coarse_ms();
	atomic_store_explicit(vm->hook_since, began_ms, memory_order_relaxed);
	fuse_enter(&vm->fuse, co->ticks);
	int status = lua_resume(co->L, nargs);
	(void)fuse_leave(&vm->fuse);
	atomic_store_explicit(vm->hook_since, 0, memory_order_relaxed);
	co->slow_ms = vm_coarse_ms() - began_ms;
	if (unlikely(status != LUA_YIELD))
		return CO_FAILED;
	return lua_gettop(co->L) == 0 ? CO_WAITING : CO_DONE;
}

static enum co_result run_probed(struct co *co, int nargs)
{
	struct rusage before;
	co->vm->slow_probes--;
	(void)getrusage(RUSAGE_THREAD, &before); /* cannot fail */
	enum co_result result = run(co, nargs);
	if (co->slow_ms >= SLOW_SUSPECT_MS)
		look_at_slow(co, co->slow_ms, &before);
	return result;
}

static enum co_result resume(struct co *co, int nargs)
{
	struct vm *vm = co->vm;
	enum co_result result;
	set_current(vm, co);
	if (likely(vm->slow_probes == 0)) {
		result = run(co, nargs);
		if (unlikely(co->slow_ms >= SLOW_SUSPECT_MS))
			look_at_slow(co, co->slow_ms, NULL);
	} else {
		result = run_probed(co, nargs);
	}
	vm->running = NULL;
	vm->current.request = NULL;
	return result;
}

static enum co_result settle(struct co *co, enum co_result result)
{
	if (result != CO_WAITING)
		return result;
	co->hook = *co->vm->current.hook;
	co->is_waiting = true;
	if (co->failure != NULL && co->failure != &co->failure_kept) {
		co->failure_kept = *co->failure;
		co->failure = &co->failure_kept;
	}
	if (!co->timer.active)
		co_arm(co, co->wait_until_ms);
	return CO_WAITING;
}

uint32_t co_verdict(struct co *co)
{
	uint32_t verdict = (uint32_t)lua_tointeger(co->L, 1);
	lua_settop(co->L, 0);
	return verdict;
}

enum co_result co_run(struct co *co, int ref, double argument, uint32_t *verdict)
{
	lua_rawgeti(co->L, LUA_REGISTRYINDEX, ref);
	lua_pushnumber(co->L, argument);
	enum co_result result = resume(co, 2);
	if (likely(result == CO_DONE)) {
		*verdict = co_verdict(co);
		return CO_DONE;
	}
	return settle(co, result);
}

struct co *co_running(const struct vm *vm)
{
	return vm->running;
}

void co_wake(struct co *co)
{
	struct vm *vm = co->vm;
	ev_timer_stop(vm->o.loop->ev, &co->timer);
	co->is_waiting = false;
	co->has_waited = true;
	*vm->current.hook = co->hook;
	if (co->is_costed)
		cost_begin(vm, 1);
	enum co_result result = settle(co, resume(co, 0));
	cost_end(vm);
	vm_gc_look(vm);
	if (result != CO_WAITING)
		co->on_end(co, result, false);
}

void co_arm(struct co *co, int64_t until_ms)
{
	struct loop *loop = co->vm->o.loop;
	int64_t now_ms = loop_now_ms(loop);
	if (co->deadline_ms != 0 && (until_ms == 0 || until_ms > co->deadline_ms))
		until_ms = co->deadline_ms;
	co->has_waited = true; /* so that co_put looks after the timer and the connections */
	ev_timer_stop(loop->ev, &co->timer);
	if (until_ms == 0)
		return;
	double left = until_ms > now_ms ? (double)(until_ms - now_ms) / 1000 : 0;
	ev_timer_set(&co->timer, left, 0.);
	ev_timer_start(loop->ev, &co->timer);
}

void co_fini(struct vm *vm)
{
	struct list *node;
	while ((node = list_first(&vm->co_busy)) != NULL)
		co_drop(container_of(node, struct co, node));
	while ((node = list_first(&vm->co_idle)) != NULL)
		co_drop(container_of(node, struct co, node));
}
