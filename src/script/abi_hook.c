/* What Lua says and asks of its own hooks and tasks. */
#include "script/abi.h"

#include "script/place.h"
#include "script/policies.h"
#include "shm/board_service.h"

NEAP_API void neap_hook_stage(void)
{
	cost_next_hook(&policies_current()->cos.cost);
}

NEAP_API void neap_hook_enter(uint32_t service, uint32_t hook)
{
	struct co_pool *cos = &policies_current()->cos;
	*cos->current.hook = place_of(service, hook);
	cost_count_call(&cos->cost);
	if (cos->running == NULL)
		return;
	cos->running->is_costed = true;
	cost_begin(&cos->cost, 1);
}

NEAP_API uint64_t *neap_hook_calls(uint32_t service, const char *name, size_t n)
{
	static uint64_t unseen[BOARD_COUNTED]; /* where no worker counts */
	const struct hook_table *t = &policies_current()->hooks;
	if (t->worker < 0)
		return unseen;
	/* Lua has no atomics: aligned words that one process writes need none on 64 bits. */
	return (uint64_t *)board_service_cell(t->board, (unsigned)t->worker, service,
					      (struct str){ name, n })
		->hooks;
}

NEAP_API uint32_t neap_task_start(double number, double seconds, uint32_t guarded)
{
	return task_start(&policies_current()->tasks, number, seconds, guarded != 0);
}

NEAP_API void neap_task_cancel(double number)
{
	task_cancel(&policies_current()->tasks, number);
}

NEAP_API uint32_t neap_access_line(const char *text, size_t n)
{
	return log_line_set(&policies_current()->hooks.line, (struct str){ text, n });
}
