#include "fleet/heart.h"

#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "shm/board.h"
#include "shm/board_hook.h"
#include "shm/hook_id.h"

enum {
	HOOK_MS = 2000,
	HOOK_CPU_MS = 300, /* beyond what the fuse inside would have stopped */
	OWN_MS = 10000,	   /* our own Lua: a list of thousands of members takes a second of CPU */
	OWN_CPU_MS = 5000,
	LOOP_MS = 10000,
	LATE_MS = 1000,
};

/* The CPU time that it has used; -1 when the kernel does not say. */
static int64_t cpu_ms(pid_t pid)
{
	clockid_t clock;
	struct timespec t;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return -1;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_hook(uint32_t where)
{
	return (where & 0xff) < HOOKS;
}

/*
 * On a crowded machine an entry may last long because it does not get to run. Such an entry is not
 * stuck.
 */
static bool is_stuck(const struct ward *w, uint32_t where, int64_t now_ms)
{
	if (now_ms - w->entry_ms < (is_hook(where) ? HOOK_MS : OWN_MS))
		return false;
	int64_t used_ms = cpu_ms(w->pid);
	return used_ms < 0 ||
	       used_ms - w->entry_cpu_ms >= (is_hook(where) ? HOOK_CPU_MS : OWN_CPU_MS);
}

/* The first address that it listens on names a service better than its number. */
static const char *service_address(const struct board_plan *p, unsigned service)
{
	for (unsigned i = 0; i < p->listens; i++) {
		if (p->listen[i].service == service)
			return p->listen[i].address;
	}
	return "?";
}

static void kill_in_hook(struct generation *g, struct ward *w, uint32_t where, int64_t now_ms)
{
	unsigned service = where >> 8, hook = where & 0xff;
	const char *cost = w == &g->agent ? "" : ": its connections are lost";
	char why[256];

	if (is_hook(where))
		(void)snprintf(why, sizeof(why),
			       "stuck for %d s in hook %s of service %u (%s), killed%s",
			       HOOK_MS / 1000, hook_word(hook), service + 1,
			       service_address(&g->plan, service), cost);
	else
		(void)snprintf(why, sizeof(why), "stuck for %d s outside of any hook, killed%s",
			       OWN_MS / 1000, cost);
	board_hook_trip(g->board, service, hook, now_ms);
	ward_kill(w, why);
}

/* true: it is not in Lua, or in another entry than at the last look. */
static bool note_entry(struct ward *w, const struct board_worker *row, int64_t now_ms)
{
	uint64_t entry = atomic_load(&row->entry);
	bool is_in = (entry & 1) != 0;

	if (is_in && entry == w->entry)
		return false;
	w->entry = entry;
	w->entry_ms = now_ms;
	if (is_in)
		w->entry_cpu_ms = cpu_ms(w->pid);
	return true;
}

/*
 * Only one entry into Lua that lasts counts: many short ones in a row are work. The first
 * `discover` runs before an agent is ready, and may be stuck in C.
 */
static bool end_if_in_hook(struct generation *g, struct ward *w, struct board_worker *row,
			   int64_t now_ms)
{
	if (note_entry(w, row, now_ms))
		return false;
	uint32_t where = atomic_load(&row->hook);
	if (!is_stuck(w, where, now_ms))
		return false;
	if (atomic_load(&row->entry) != w->entry)
		return false; /* it just came back: `where` is another entry's */
	kill_in_hook(g, w, where, now_ms);
	return true;
}

static void look_at_ward(struct generation *g, struct ward *w, struct board_worker *row,
			 int64_t now_ms)
{
	bool is_agent = w == &g->agent;
	uint64_t beat = atomic_load_explicit(&row->beat, memory_order_relaxed);
	uint64_t entry = w->entry;
	bool is_killed = end_if_in_hook(g, w, row, now_ms);

	if (beat != w->beat || entry != w->entry)
		w->beat_ms = now_ms;
	w->beat = beat;
	if (!is_killed && now_ms - w->beat_ms >= LOOP_MS)
		ward_kill(w, is_agent ? "did not react for 10 s, killed"
				      : "did not react for 10 s, killed: its connections are lost");
}

/* The whole machine slept, or all processes were stopped: no process is to blame. */
static void forgive(struct generation *g, int64_t now_ms)
{
	g->agent.beat_ms = g->agent.entry_ms = now_ms;
	for (unsigned i = 0; i < g->plan.workers; i++)
		g->workers[i].beat_ms = g->workers[i].entry_ms = now_ms;
}

void heart_begin(struct heart *h, int64_t now_ms)
{
	h->must_forgive = h->last_ms != 0 && now_ms - h->last_ms >= LATE_MS;
	h->last_ms = now_ms;
}

void heart_look(const struct heart *h, struct generation *g)
{
	if (h->must_forgive)
		forgive(g, h->last_ms);
	if (g->agent.state == WARD_READY && g->state != GENERATION_DRAINING)
		look_at_ward(g, &g->agent, &g->board->agent, h->last_ms);
	else if (g->agent.state == WARD_LOADING)
		(void)end_if_in_hook(g, &g->agent, &g->board->agent, h->last_ms);
	for (unsigned i = 0; i < g->plan.workers; i++) {
		if (g->workers[i].state == WARD_READY)
			look_at_ward(g, &g->workers[i], &g->board->workers[i], h->last_ms);
	}
}
