/*
 * Work that Lua starts in coroutines of its own, outside of requests: what the agent does beside
 * traffic. Lua numbers its tasks.
 */
#ifndef NEAP_SCRIPT_TASK_H
#define NEAP_SCRIPT_TASK_H

#include "script/co.h"

/* The tasks of a process. */
struct tasks {
	struct vm *vm;
	struct co_pool *cos;
	struct list all;
	int run, end; /* references: Lua's functions that run a task, and hear of one that failed */
};

void tasks_init(struct tasks *t, struct co_pool *cos);
void tasks_fini(struct tasks *t);

/*
 * Starts a task at the end of this turn of the loop. It ends after `seconds` at the latest (0: when it
 * wants). is_guarded: the fuse watches it as it watches a hook. false: no memory.
 */
bool task_start(struct tasks *of, double number, double seconds, bool is_guarded);

/* Ends a task. A running one (which cancels itself) ends by returning. Harmless when it has ended. */
void task_cancel(struct tasks *of, double number);

#endif
