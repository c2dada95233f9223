#include "lua/gc.h"

#include <lauxlib.h>

#include "base/clock.h"

/*
 * Steps work off twice what was allocated since the last ones, but in one turn of the loop they
 * take no more than their share of time: one policy's garbage must not hold up the others. Between
 * two cycles the collector rests until the heap has grown by half.
 */
enum {
	GC_STEP_BYTES = 64 * 1024,
	GC_PIECE_BYTES = 256 * 1024, /* between two looks at the clock */
	GC_REST_BYTES_MIN = 1024 * 1024,
	GC_SHARE_US = 3000,
	GC_SHARE_MOST_US = 10000, /* when more than half of the cap is in use */
	GC_VAIN_MS = 1000,	  /* after a whole collection that left memory full */
};

/* `rest` more bytes, but at most half of what is left. */
static size_t mark_after(const struct gc *g, size_t rest)
{
	size_t used = g->memory->used, cap = g->memory->cap;
	size_t left = used < cap ? (cap - used) / 2 : 0;
	if (rest > left)
		rest = left;
	return used + (rest < GC_STEP_BYTES ? GC_STEP_BYTES : rest);
}

static size_t rest_bytes(const struct gc *g)
{
	size_t rest = g->memory->used / 2;
	return rest < GC_REST_BYTES_MIN ? GC_REST_BYTES_MIN : rest;
}

/* After a whole cycle: what is left is kept by somebody. */
static void end_cycle(struct gc *g)
{
	g->mark = mark_after(g, rest_bytes(g));
	if (g->on_cycle != NULL)
		g->on_cycle(g->ctx);
}

static int64_t share_us(const struct gc *g)
{
	return g->memory->used > g->memory->cap / 2 ? GC_SHARE_MOST_US : GC_SHARE_US;
}

static int collect_some(lua_State *L)
{
	struct gc *g = lua_touserdata(L, 1);
	size_t work = g->memory->used - g->mark + GC_STEP_BYTES, done = 0;
	int64_t end_ns = clock_now_ns() + share_us(g) * 1000;
	while (done < work) {
		size_t piece = work - done < GC_PIECE_BYTES ? work - done : GC_PIECE_BYTES;
		done += piece;
		if (lua_gc(L, LUA_GCSTEP, (int)(piece * 2 / 1024)) == 1) {
			end_cycle(g);
			return 0;
		}
		if (clock_now_ns() >= end_ns)
			break;
	}
	/* What is not done yet is owed in the next turn. */
	size_t owed = work - done;
	g->mark = owed < g->memory->used ? mark_after(g, GC_STEP_BYTES) - owed : 0;
	return 0;
}

static int collect_all(lua_State *L)
{
	(void)lua_gc(L, LUA_GCCOLLECT, 0);
	return 0;
}

static void run_protected(struct gc *g, lua_CFunction work)
{
	if (lua_cpcall(g->L, work, g) != 0)
		lua_pop(g->L, 1); /* a finalizer's error: nothing of ours has one */
	(void)lua_gc(g->L, LUA_GCSTOP, 0);
}

static void on_later(struct deferred *d)
{
	struct gc *g = container_of(d, struct gc, later);
	if (g->memory->used > g->mark)
		run_protected(g, collect_some);
	if (g->memory->used > g->mark)
		loop_yield(g->loop, &g->later);
}

void gc_run_soon(struct gc *g)
{
	if (g->mode == GC_BY_HAND)
		loop_defer(g->loop, &g->later);
}

void gc_run_whole(struct gc *g)
{
	run_protected(g, collect_all);
	end_cycle(g);
}

/* A whole collection would take long and find nothing. */
static bool is_vain(const struct gc *g)
{
	return g->memory->is_too_large || g->memory->user == MEMORY_OF_HOARDER ||
	       clock_coarse_ms() < g->vain_until_ms;
}

static void collect_within(struct gc *g, lua_State *L)
{
	atomic_fetch_add(g->entry, 2); /* to the master, that is another entry */
	(void)lua_gc(L, LUA_GCCOLLECT, 0);
	if (g->mode == GC_BY_HAND)
		(void)lua_gc(L, LUA_GCSTOP, 0);
	end_cycle(g);
	atomic_fetch_add(g->entry, 2);
	if (g->mode != GC_BY_HAND || !memory_is_full(g->memory))
		return;
	g->vain_until_ms = clock_coarse_ms() + GC_VAIN_MS;
	if (g->on_full != NULL)
		g->on_full(g->ctx);
}

bool gc_make_room(struct gc *g, lua_State *L)
{
	if (!is_vain(g))
		collect_within(g, L);
	return memory_has_room(g->memory);
}

void gc_init(struct gc *g)
{
	deferred_init(&g->later, on_later);
}

void gc_fini(struct gc *g)
{
	loop_defer_cancel(&g->later);
}

void gc_start(struct gc *g)
{
	g->mode = GC_BY_HAND;
	gc_run_whole(g);
}
