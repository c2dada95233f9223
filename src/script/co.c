#include "script/co.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "script/kept.h"
#include "script/link.h"
#include "script/place.h"
#include "shm/board.h"
#include "shm/hook_id.h"

static void stop_timer(struct co *co)
{
	/*
	 * A timer that has fired but was not called yet is inactive, and must be stopped
	 * nevertheless.
	 */
	ev_timer_stop(co->pool->loop->ev, &co->timer);
	loop_defer_cancel(&co->turn);
}

static void set_current(struct co_pool *pool, struct co *co)
{
	neap_current *current = &pool->current;
	current->request = co->request;
	current->response = co->response;
	current->failure = co->failure;
	current->outcome = co->outcome;
	current->may_wait = co->may_wait;
	current->waited = co->wait.was_used;
	pool->running = co;
}

/*
 * Hooks that hold the loop. The coarse clock is cheap, but it also counts the time in which another
 * process had the CPU. So it only raises suspicion; the next entries are looked at closely. The
 * proof is processor time used, or no other process in between.
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
	struct co_pool *pool = co->pool;
	uint32_t skipped;
	char place[256], more[LOG_LEFT_OUT_MAX];
	if (co->ticks != FUSE_TICKS_HOOK || place_hook(*pool->current.hook) >= HOOKS)
		return; /* no hook of a policy */
	pool->slow_probes = SLOW_PROBES;
	if (!is_proven(before) || !log_may(&pool->slow, loop_now_ms(pool->loop), &skipped))
		return;
	place_name(*pool->current.hook, pool->conf, place, sizeof place);
	log_warn("%s held the loop for %lld ms%s", place, (long long)ms,
		 log_left_out(more, skipped));
}

/* The master sees by this count that one entry lasts. */
static void count_entry(const struct co_pool *pool)
{
	uint64_t entry = atomic_load_explicit(pool->entry, memory_order_relaxed);
	atomic_store_explicit(pool->entry, entry + 1, memory_order_relaxed); /* the only writer */
}

static enum co_result run_co(struct co *co, int nargs)
{
	struct vm *vm = co->vm;
	int64_t began_ms = clock_coarse_ms();
	count_entry(co->pool);
	memory_enter(&vm->memory);
	fuse_enter(&vm->fuse, co->ticks);
	int status = lua_resume(co->L, nargs);
	co->has_blown = fuse_leave(&vm->fuse);
	count_entry(co->pool);
	co->slow_ms = clock_coarse_ms() - began_ms;
	if (unlikely(status != LUA_YIELD))
		return CO_FAILED;
	return lua_gettop(co->L) == 0 ? CO_WAITING : CO_DONE;
}

static enum co_result run_probed(struct co *co, int nargs)
{
	struct rusage before;
	co->pool->slow_probes--;
	(void)getrusage(RUSAGE_THREAD, &before); /* cannot fail */
	enum co_result result = run_co(co, nargs);
	if (co->slow_ms >= SLOW_SUSPECT_MS)
		look_at_slow(co, co->slow_ms, &before);
	return result;
}

static enum co_result resume_co(struct co *co, int nargs)
{
	struct co_pool *pool = co->pool;
	enum co_result result;
	set_current(pool, co);
	co->vm->memory.user = co->memory_user;
	if (likely(pool->slow_probes == 0)) {
		result = run_co(co, nargs);
		if (unlikely(co->slow_ms >= SLOW_SUSPECT_MS))
			look_at_slow(co, co->slow_ms, NULL);
	} else {
		result = run_probed(co, nargs);
	}
	pool->running = NULL;
	pool->current.request = NULL;
	return result;
}

/* Sets the timer of a wait; until_ms 0: only the deadline ends it. */
static void arm_timer(struct co *co, int64_t until_ms)
{
	struct wait *w = &co->wait;
	int64_t now_ms = loop_now_ms(co->pool->loop);
	if (w->deadline_ms != 0 && (until_ms == 0 || until_ms > w->deadline_ms))
		until_ms = w->deadline_ms;
	w->was_used = true; /* so that co_put looks after the timer and the connections */
	stop_timer(co);
	if (until_ms == 0)
		return;
	double left = until_ms > now_ms ? (double)(until_ms - now_ms) / 1000 : 0;
	ev_timer_set(&co->timer, left, 0.);
	ev_timer_start(co->pool->loop->ev, &co->timer);
}

static enum co_result keep_waiting(struct co *co, enum co_result result)
{
	if (result != CO_WAITING)
		return result;
	co->hook = *co->pool->current.hook;
	if (co->failure != NULL && co->failure != &co->failure_kept) {
		co->failure_kept = *co->failure;
		co->failure = &co->failure_kept;
	}
	if (!co->timer.active)
		arm_timer(co, co->wait.until_ms);
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
	enum co_result result = resume_co(co, 2);
	if (likely(result == CO_DONE)) {
		*verdict = co_verdict(co);
		return CO_DONE;
	}
	return keep_waiting(co, result);
}

/* A wait is over: the coroutine goes on. Called from the loop only. */
static void wake_co(struct co *co)
{
	struct co_pool *pool = co->pool;
	stop_timer(co);
	co->wait.was_used = true;
	*pool->current.hook = co->hook;
	if (co->is_costed)
		cost_begin(&pool->cost, 1);
	enum co_result result = keep_waiting(co, resume_co(co, 0));
	cost_end(&pool->cost);
	vm_look_at_garbage(pool->vm);
	if (result != CO_WAITING)
		co->on_end(co, result, false);
}

static void be_due(struct deferred *d)
{
	struct co *co = container_of(d, struct co, turn);
	int64_t deadline_ms = co->wait.deadline_ms;
	if (deadline_ms != 0 && loop_now_ms(co->pool->loop) >= deadline_ms) {
		co->on_end(co, CO_FAILED, true);
		return;
	}
	wait_expire(&co->wait);
	wake_co(co);
}

/*
 * Many hooks may have slept for the same time. When they have used up this turn of the loop, the
 * others follow in the next.
 */
static void co_timer_cb(struct ev_loop *loop, ev_timer *w, int events)
{
	struct co *co = w->data;
	(void)loop;
	(void)events; /* a timer has one event only */
	if (loop_has_time(co->pool->loop))
		be_due(&co->turn);
	else
		loop_yield(co->pool->loop, &co->turn);
}

static void on_wait_over(struct wait *w)
{
	wake_co(container_of(w, struct co, wait));
}

/* Makes the thread with the runtime's body on its stack. Protected, because memory may run out. */
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

static struct co *create_co(struct co_pool *pool)
{
	if (pool->n >= pool->max)
		return NULL;
	struct co *co = calloc(1, sizeof *co);
	if (co == NULL)
		return NULL;
	co->pool = pool;
	co->vm = pool->vm;
	list_init(&co->node);
	wait_init(&co->wait, &pool->io);
	co->wait.on_over = on_wait_over;
	deferred_init(&co->turn, be_due);
	ev_init(&co->timer, co_timer_cb);
	co->timer.data = co;
	if (lua_cpcall(co->vm->L, make_thread, co) != 0) {
		lua_pop(co->vm->L, 1);
		free(co);
		return NULL;
	}
	pool->n++;
	return co;
}

static void destroy_co(struct co *co)
{
	luaL_unref(co->vm->L, LUA_REGISTRYINDEX, co->ref);
	co->pool->n--;
	free(co);
}

struct co *co_take(struct co_pool *pool)
{
	struct list *first = list_first(&pool->idle);
	struct co *co = first == NULL ? create_co(pool) : container_of(first, struct co, node);
	if (unlikely(co == NULL))
		return NULL;
	list_remove(&co->node);
	list_append(&pool->busy, &co->node);
	co->wait.was_used = false;
	return co;
}

/* Ends what the entry left open. */
static void end_waits(struct co *co)
{
	stop_timer(co);
	wait_fini(&co->wait);
}

void co_put(struct co *co)
{
	if (unlikely(co->wait.was_used))
		end_waits(co);
	list_remove(&co->node);
	list_prepend(&co->pool->idle, &co->node);
}

void co_drop(struct co *co)
{
	end_waits(co);
	list_remove(&co->node);
	destroy_co(co);
}

void co_pool_init(struct co_pool *pool, struct vm *vm, struct loop *loop, struct board *board,
		  int worker)
{
	struct board_worker *row = worker >= 0 ? &board->workers[worker] : &board->agent;
	*pool = (struct co_pool){ .vm = vm, .loop = loop, .max = CO_POOL_MIN };
	list_init(&pool->idle);
	list_init(&pool->busy);
	io_init(&pool->io, loop, &pool->current);
	pool->cost.current = &pool->current;
	pool->current.board = board;
	pool->current.worker = worker;
	pool->current.unix_now = &loop->unix_now;
	/* The same word: LuaJIT knows no atomics, and this is the only writer. */
	pool->current.hook = (volatile uint32_t *)(void *)&row->hook;
	pool->entry = &row->entry;
	atomic_store(pool->entry, 0); /* the one before may have died in a hook */
}

void co_pool_set_conf(struct co_pool *pool, const struct conf *conf)
{
	pool->conf = conf;
	for (unsigned i = 0; i < conf->services_n; i++) {
		unsigned connections = conf->services[i].limits.connections;
		if (connections > pool->max - CO_POOL_SPARE)
			pool->max = connections + CO_POOL_SPARE;
	}
}

void co_pool_fini(struct co_pool *pool)
{
	struct list *node;
	while ((node = list_first(&pool->busy)) != NULL)
		co_drop(container_of(node, struct co, node));
	while ((node = list_first(&pool->idle)) != NULL)
		co_drop(container_of(node, struct co, node));
	link_close_all(&pool->io);
	kept_close_all(&pool->io);
	io_fini(&pool->io);
}
