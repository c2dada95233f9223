/* Work that Lua starts in coroutines of its own: what the agent does beside traffic. */
#include <lauxlib.h>
#include <stdlib.h>

#include "base/log.h"
#include "script/co.h"
#include "script/cost.h"
#include "script/state.h"

enum { NO_HOOK = 0xff };

struct task {
	struct list node; /* in vm.tasks */
	struct vm *vm;
	struct co *co; /* NULL: not started yet, or it has ended */
	double number; /* Lua's */
	double seconds;
	bool is_guarded;
	struct deferred start;
};

static void destroy(struct task *t)
{
	loop_defer_cancel(&t->start);
	list_remove(&t->node);
	free(t);
}

/* Tells Lua how it ended; what that errs is logged. */
static void tell_failure(struct vm *vm, double number, const char *why)
{
	struct error e;
	lua_rawgeti(vm->L, LUA_REGISTRYINDEX, vm->end_task);
	lua_pushnumber(vm->L, number);
	lua_pushstring(vm->L, why);
	if (vm_call(vm, 2, 0, FUSE_TICKS_RUNTIME, &e) != ERR_OK)
		log_error("a task of the runtime: %s", e.text);
}

static void end(struct task *t, enum co_result result, bool is_too_late)
{
	struct vm *vm = t->vm;
	double number = t->number;
	char why[1024];
	struct co *co = t->co;
	t->co = NULL;
	destroy(t);
	if (result == CO_DONE) {
		co_put(co);
		return;
	}
	if (is_too_late)
		(void)str_copy(why, sizeof why, STR("did not answer in time"));
	else
		vm_describe(vm, co->L, NULL, why, sizeof why);
	co_drop(co);
	tell_failure(vm, number, why);
}

static void on_waited(struct co *co, enum co_result result, bool is_too_late)
{
	if (result == CO_DONE)
		(void)co_verdict(co);
	end(co->owner, result, is_too_late);
}

static void start(struct deferred *d)
{
	struct task *t = container_of(d, struct task, start);
	struct vm *vm = t->vm;
	struct co *co = co_take(vm);
	uint32_t verdict;
	if (co == NULL) {
		double number = t->number;
		destroy(t);
		tell_failure(vm, number, "no memory for a coroutine");
		return;
	}
	co->owner = t;
	co->request = NULL;
	co->response = NULL;
	co->failure = NULL;
	co->outcome = NULL;
	co->ticks = t->is_guarded ? FUSE_TICKS_HOOK : FUSE_TICKS_RUNTIME;
	co->may_wait = true;
	co->is_costed = false;
	co->on_end = on_waited;
	co->deadline_ms = t->seconds > 0 ? loop_now_ms(vm->o.loop) + (int64_t)(t->seconds * 1000)
					 : 0;
	t->co = co;
	*vm->current.hook = NO_HOOK; /* until it enters one */
	enum co_result result = co_run(co, vm->run_task, t->number, &verdict);
	cost_end(vm);
	if (result != CO_WAITING)
		end(t, result, false);
	vm_gc_look(vm);
}

NEAP_API uint32_t neap_task_start(double number, double seconds, uint32_t guarded)
{
	struct vm *vm = vm_current();
	struct task *t = calloc(1, sizeof *t);
	if (t == NULL)
		return 0;
	t->vm = vm;
	t->number = number;
	t->seconds = seconds < 1e9 ? seconds : 1e9;
	t->is_guarded = guarded != 0;
	list_init(&t->node);
	list_append(&vm->tasks, &t->node);
	deferred_init(&t->start, start);
	loop_defer(vm->o.loop, &t->start);
	return 1;
}

/* A running task (which cancels itself) ends by returning. */
NEAP_API void neap_task_cancel(double number)
{
	struct vm *vm = vm_current();
	for (struct list *l = vm->tasks.next; l != &vm->tasks; l = l->next) {
		struct task *t = container_of(l, struct task, node);
		if (t->number != number)
			continue;
		if (t->co != NULL && t->co == vm->running)
			return;
		if (t->co != NULL)
			co_drop(t->co);
		destroy(t);
		return;
	}
}

void task_fini(struct vm *vm)
{
	struct list *node;
	while ((node = list_first(&vm->tasks)) != NULL)
		destroy(container_of(node, struct task, node));
}
