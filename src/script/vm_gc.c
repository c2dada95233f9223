#include "script/state.h"

#include <lauxlib.h>

/*
 * The collector never runs inside a hook: it is stopped, and stepped at the end of loop turns in
 * which something was allocated. A step does twice the work that the garbage since the last one is
 * worth; between two cycles it rests until the heap has grown by half.
 */
enum {
	GC_STEP_BYTES = 64 * 1024,
	GC_URGENT_BYTES = 32 * 1024 * 1024,
	GC_REST_BYTES_MIN = 1024 * 1024,
};

static int step(lua_State *L)
{
	struct vm *vm = lua_touserdata(L, 1);
	size_t grown = vm->memory.used - vm->gc_mark + GC_STEP_BYTES;
	int work_kb = (int)(grown * 2 / 1024);
	bool is_over = lua_gc(L, LUA_GCSTEP, work_kb) == 1;
	size_t rest = vm->memory.used / 2;
	if (rest < GC_REST_BYTES_MIN)
		rest = GC_REST_BYTES_MIN;
	vm->gc_mark = vm->memory.used + (is_over ? rest : GC_STEP_BYTES);
	return 0;
}

static int whole(lua_State *L)
{
	(void)lua_gc(L, LUA_GCCOLLECT, 0);
	return 0;
}

static void run(struct vm *vm, lua_CFunction work)
{
	size_t reserve = vm->memory.reserve;
	vm_use_reserve(vm, true); /* even collecting takes some */
	if (lua_cpcall(vm->L, work, vm) != 0)
		lua_pop(vm->L, 1); /* a finalizer's error: nothing of ours has one */
	vm->memory.reserve = reserve;
	(void)lua_gc(vm->L, LUA_GCSTOP, 0);
}

static void gc_later(struct deferred *d)
{
	struct vm *vm = container_of(d, struct vm, gc_later);
	if (vm->memory.used > vm->gc_mark)
		run(vm, step);
}

void vm_gc_soon(struct vm *vm)
{
	if (!vm->gc_by_hand)
		return;
	if (vm->memory.used > vm->gc_mark + GC_URGENT_BYTES)
		vm_gc_now(vm);
	else if (vm->o.loop != NULL)
		loop_defer(vm->o.loop, &vm->gc_later);
	else
		run(vm, step);
}

void vm_gc_now(struct vm *vm)
{
	run(vm, whole);
	vm->gc_mark = vm->memory.used + vm->memory.used / 2 + GC_REST_BYTES_MIN;
}

void vm_gc_start(struct vm *vm)
{
	deferred_init(&vm->gc_later, gc_later);
	vm->gc_by_hand = true;
	vm_gc_now(vm);
}
