#include "lua/fuse.h"

#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <luajit.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

/* A signal handler has no argument of its own. */
static struct fuse *armed;

/* The first level that is a file of the user's. Embedded files are called lua/neap/… */
static void note_where(struct fuse *f, lua_State *L)
{
	static const char own[] = "@lua/neap/";
	lua_Debug ar;

	for (int level = 0; lua_getstack(L, level, &ar) != 0; level++) {
		if (lua_getinfo(L, "Sl", &ar) == 0 || ar.source[0] != '@' ||
		    strncmp(ar.source, own, sizeof(own) - 1) == 0)
			continue;
		(void)snprintf(f->where, sizeof(f->where), "%s:%d:", ar.short_src, ar.currentline);
		return;
	}
	(void)snprintf(f->where, sizeof(f->where), "?:");
}

/* true: the entry goes on. A tick may come at any moment; then it does not. */
static bool goes_on(struct fuse *f, lua_State *L)
{
	f->is_resting = 1;
	bool has_room = f->on_full != NULL && f->on_full(f, L);
	f->is_resting = 0;
	if (f->state != FUSE_ASKED)
		return false;
	f->state = has_room ? FUSE_WHOLE : FUSE_MEMORY;
	if (has_room)
		lua_sethook(L, NULL, 0, 0);
	return has_room;
}

static void stop_hook(lua_State *L, lua_Debug *ar)
{
	struct fuse *f = armed;
	(void)ar; /* luaL_where asks for itself */
	if (f != NULL && f->state == FUSE_ASKED && goes_on(f, L))
		return;
	if (f != NULL && f->state == FUSE_TIME && f->where[0] == '\0')
		note_where(f, L);
	luaL_where(L, 0);
	if (f != NULL && f->state == FUSE_MEMORY)
		lua_pushliteral(L, "not enough memory (lua_memory)");
	else
		lua_pushfstring(L, "ran for more than %d ms",
				f == NULL ? 0 : (int)(f->limit - 1) * FUSE_TICK_MS);
	lua_concat(L, 2);
	(void)lua_error(L);
}

static void note_tick(struct fuse *f)
{
	uint32_t entry = f->entry;
	if ((entry & 1) == 0 || f->is_resting != 0)
		return;
	if (entry != f->seen) {
		f->seen = entry;
		f->ticks = 0;
	}
	if (++f->ticks < f->limit)
		return;
	if (f->ticks >= 2 * f->limit && f->on_stuck != NULL)
		f->on_stuck(f);
	f->state = FUSE_TIME;
	lua_sethook(f->L, stop_hook, LUA_MASKCOUNT, 1);
}

/* LuaJIT's handler makes compiled code look for hooks at its next line. */
static void pass_on(struct fuse *f, int number, siginfo_t *info, void *context)
{
	if ((f->chained.sa_flags & SA_SIGINFO) != 0)
		f->chained.sa_sigaction(number, info, context);
	else if (f->chained.sa_handler != SIG_DFL && f->chained.sa_handler != SIG_IGN)
		f->chained.sa_handler(number);
}

void fuse_ask(struct fuse *f)
{
	if ((f->entry & 1) == 0 || f->state != FUSE_WHOLE || f->is_resting != 0)
		return;
	f->state = FUSE_ASKED;
	lua_sethook(f->L, stop_hook, LUA_MASKCOUNT, 1);
	if (f->is_armed)
		pass_on(f, SIGPROF, NULL, NULL);
}

static void on_tick(int number, siginfo_t *info, void *context)
{
	struct fuse *f = armed;
	int saved = errno;
	if (f != NULL) {
		note_tick(f);
		pass_on(f, number, info, context);
	}
	errno = saved;
}

void fuse_reset(struct fuse *f)
{
	lua_sethook(f->L, NULL, 0, 0);
	f->state = FUSE_WHOLE;
	f->where[0] = '\0';
}

static void no_sample(void *data, lua_State *L, int samples, int state)
{
	(void)data;
	(void)L;
	(void)samples;
	(void)state; /* only the guards in compiled code are wanted, not the samples */
}

static bool stops_a_loop(struct fuse *f)
{
	static const char loop[] = "local n = 0 for i = 1, 2e9 do n = n + i end";
	const struct itimerval soon = { .it_value.tv_usec = 2000,
					.it_interval.tv_usec = FUSE_TICK_MS * 1000 };
	if (luaL_loadbuffer(f->L, loop, sizeof loop - 1, "=fuse") != 0) {
		lua_pop(f->L, 1);
		return false;
	}
	fuse_enter(f, 1);
	(void)setitimer(ITIMER_PROF, &soon, NULL); /* LuaJIT's timer, its first tick early */
	int status = lua_pcall(f->L, 0, 0, 0);
	bool has_stopped = fuse_leave(f) && status == LUA_ERRRUN;
	if (status != 0)
		lua_pop(f->L, 1);
	return has_stopped;
}

bool fuse_arm(struct fuse *f, struct lua_State *L)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO | SA_RESTART };
	*f = (struct fuse){ .L = L, .on_full = f->on_full };
	luaJIT_profile_start(L, "li50", no_sample, NULL);
	action.sa_sigaction = on_tick;
	(void)sigemptyset(&action.sa_mask);
	armed = f;
	if (sigaction(SIGPROF, &action, &f->chained) != 0 || !stops_a_loop(f)) {
		armed = NULL;
		luaJIT_profile_stop(L);
		return false;
	}
	f->is_armed = true;
	return true;
}

void fuse_disarm(struct fuse *f)
{
	if (!f->is_armed)
		return;
	luaJIT_profile_stop(f->L);
	armed = NULL;
	f->is_armed = false;
}
