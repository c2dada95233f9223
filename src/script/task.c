#include "script/task.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "base/log.h"
#include "lua/traceback.h"
#include "script/place.h"

struct task {
	struct list node; /* in tasks.all */
	struct tasks *of;
	struct co *co; /* NULL: not started yet, or it has ended */
	double number; /* Lua's */
	double seconds;
	bool is_guarded;
	struct deferred start;
};

static void destroy_task(struct task *t)
{
	loop_defer_cancel(&t->start);
	list_remove(&t->node);
	free(t);
}

/* Tells Lua how it ended; what that errs is logged. */
static void tell_failure(const struct tasks *t, double number, const char *why)
{
	lua_State *L = t->vm->L;
	struct error e;
	lua_rawgeti(L, LUA_REGISTRYINDEX, t->end);
	lua_pushnumber(L, number);
	lua_pushstring(L, why);
	if (vm_call(t->vm, 2, 0, FUSE_TICKS_RUNTIME, &e) != ERR_OK)
		log_error("a task of the runtime: %s", e.text);
}

static void end_task(struct task *t, enum co_result result, bool is_too_late)
{
	const struct tasks *of = t->of;
	double number = t->number;
	char why[1024];
	struct co *co = t->co;
	t->co = NULL;
	destroy_task(t);
	if (result == CO_DONE) {
		co_put(co);
		return;
	}
	if (is_too_late)
		(void)str_copy(why, sizeof why, STR("did not answer in time"));
	else
		traceback_describe(of->vm->L, co->L, NULL, why, sizeof why);
	co_drop(co);
	tell_failure(of, number, why);
}

static void on_task_end(struct co *co, enum co_result result, bool is_too_late)
{
	if (result == CO_DONE)
		(void)co_verdict(co);
	end_task(co->owner, result, is_too_late);
}

static void start_task(struct deferred *d)
{
	struct task *t = container_of(d, struct task, start);
	const struct tasks *of = t->of;
	struct co_pool *cos = of->cos;
	struct co *co = co_take(cos);
	uint32_t verdict;
	if (co == NULL) {
		double number = t->number;
		destroy_task(t);
		tell_failure(of, number, "no memory for a coroutine");
		return;
	}
	co->owner = t;
	co->request = NULL;
	co->response = NULL;
	co->failure = NULL;
	co->outcome = NULL;
	co->ticks = t->is_guarded ? FUSE_TICKS_HOOK : FUSE_TICKS_RUNTIME;
	co->memory_user = t->is_guarded ? MEMORY_OF_POLICY : MEMORY_OF_RUNTIME;
	co->may_wait = NEAP_WAITS;
	co->is_costed = false;
	co->on_end = on_task_end;
	co->wait.deadline_ms =
		t->seconds > 0 ? loop_now_ms(cos->loop) + (int64_t)(t->seconds * 1000) : 0;
	t->co = co;
	*cos->current.hook = PLACE_NO_HOOK; /* until it enters one */
	enum co_result result = co_run(co, of->run, t->number, &verdict);
	cost_end(&cos->cost);
	if (result != CO_WAITING)
		end_task(t, result, false);
	vm_look_at_garbage(of->vm);
}

bool task_start(struct tasks *of, double number, double seconds, bool is_guarded)
{
	struct task *t = calloc(1, sizeof *t);
	if (t == NULL)
		return false;
	t->of = of;
	t->number = number;
	t->seconds = seconds < 1e9 ? seconds : 1e9;
	t->is_guarded = is_guarded;
	list_init(&t->node);
	list_append(&of->all, &t->node);
	deferred_init(&t->start, start_task);
	loop_defer(of->cos->loop, &t->start);
	return true;
}

void task_cancel(struct tasks *of, double number)
{
	for (struct list *l = of->all.next; l != &of->all; l = l->next) {
		struct task *t = container_of(l, struct task, node);
		if (t->number != number)
			continue;
		if (t->co != NULL && t->co == of->cos->running)
			return;
		if (t->co != NULL)
			co_drop(t->co);
		destroy_task(t);
		return;
	}
}

void tasks_init(struct tasks *t, struct co_pool *cos)
{
	*t = (struct tasks){ .vm = cos->vm, .cos = cos, .run = LUA_NOREF, .end = LUA_NOREF };
	list_init(&t->all);
}

void tasks_fini(struct tasks *t)
{
	struct list *node;
	while ((node = list_first(&t->all)) != NULL)
		destroy_task(container_of(node, struct task, node));
}
