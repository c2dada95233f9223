#include "fleet/autopsy.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "shm/board_hook.h"
#include "shm/hook_id.h"

/* A crash; anything else may have come from outside. */
static bool is_crash(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGILL ||
	       signal == SIGFPE || signal == SIGTRAP || signal == SIGSYS;
}

void autopsy(struct board *b, const struct board_worker *row, struct ward *w, int status)
{
	uint32_t where = atomic_load(&row->hook);
	unsigned service = where >> 8, hook = where & 0xff;
	int64_t now_ms = clock_now_ms();

	if (!WIFSIGNALED(status) || w->was_killed || (atomic_load(&row->entry) & 1) == 0 ||
	    hook >= HOOKS)
		return;
	if (is_crash(WTERMSIG(status)))
		board_hook_trip(b, service, hook, now_ms);
	else if (!board_hook_error(b, service, hook, now_ms))
		return;
	(void)snprintf(w->error, sizeof(w->error),
		       "in hook %s of service %u, which is left out for 30 s", hook_word(hook),
		       service + 1);
}
