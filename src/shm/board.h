/*
 * The board: one shared memory mapping, made by the master before any fork, through which master,
 * agent and workers see the same state. Large and touched lazily, no pointers inside, C11 atomics
 * only, no locks: a process that dies at any moment leaves nothing half held.
 *
 * Who writes: the agent alone publishes pools and backends; each worker alone writes the cells of
 * its row; state words, counters and trips are changed by compare-and-swap or fetch-add by anyone.
 *
 * What is too large for one atomic word (a backend's text, a pool's member list) is there twice. A
 * sequence number says which copy is current (its lowest bit); the agent fills the other one and
 * then moves the number on. Readers copy and look at the number again. So a reader never waits for
 * a writer, not even for one that died half way: what it left is not current, and the next agent
 * writes it anew.
 *
 * Lifetime: a generation's. A backend keeps its slot by its identity (pool, name) over restarts of
 * the agent; what is known of it is carried over to the next generation's board (board_carry.c).
 */
#ifndef NEAP_SHM_BOARD_H
#define NEAP_SHM_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"
#include "shm/board_queue.h"
#include "shm/board_shadow.h"
#include "shm/recording.h"
#include "shm/stats.h"

enum {
	BOARD_WORKERS_MAX = 64,
	BOARD_EARLIER = BOARD_WORKERS_MAX, /* the row of what other generations count */
	BOARD_TAKEN,			   /* the row of what a later generation took over */
	BOARD_ROWS,
	BOARD_POOLS_MAX = 256,
	BOARD_BACKENDS_MAX = 16384,
	BOARD_COUNTERS_MAX = 1024,
	BOARD_ADDRS_MAX = 8,
	BOARD_SERVICES_MAX = 256,
	BOARD_LISTENS_MAX = 256,
	BOARD_HOOKS = 16,
	/* Longer by some cache lines, so that rows do not compete for the same ones. */
	BOARD_INFLIGHT_ROW = BOARD_BACKENDS_MAX + 80,
	BOARD_INDEX = 2 * BOARD_BACKENDS_MAX, /* power of two */
	BOARD_REASON_WORDS = 16,
	BOARD_COUNTER_NAME_WORDS = 15,
	BOARD_ERROR_WORDS = 128,
	BOARD_SERVICE_NAME_WORDS = 8,
	BOARD_NONE = -1,
};

/* The order is that of INTERFACE: what Lua sees as "unknown", "up", … */
enum board_state { STATE_UNKNOWN, STATE_UP, STATE_DOWN, STATE_DRAIN, STATE_EJECTED };

/* That word. */
const char *board_state_word(enum board_state s);

/*
 * An address as the board keeps it: family AF_INET, AF_INET6 or AF_UNIX (path = unix socket of the
 * backend's text).
 */
struct board_addr {
	uint16_t family;
	uint16_t port;	/* host order */
	uint8_t ip[16]; /* the first 4 for IPv4 */
	uint32_t scope; /* IPv6 scope id */
};

/* What the agent says of a backend: a handle of it is (slot, epoch). Text is zero terminated. */
struct board_text {
	char name[160];
	char url[256];
	char scheme[8]; /* "http", "https", "tcp" */
	char host[128]; /* as written; "" for unix */
	char base[128]; /* path prefix without trailing slash; "" for none */
	char path[108]; /* unix socket path or "" */
	char zone[32];
	/* "key\0value\0…\0": numbers and booleans as text with a type byte, see lua/neap/pools */
	char tags[512];
	uint16_t port;
	uint8_t addrs;	    /* known addresses; 0: the name does not resolve (yet) */
	uint8_t send_proxy; /* version of the PROXY header it gets first; 0: none */
	struct board_addr addr[BOARD_ADDRS_MAX];
};

enum { BOARD_TEXT_WORDS = sizeof(struct board_text) / 8 };

/*
 * The text is read with board_backend_text, the reason with board_reason; the rest may be loaded
 * directly.
 */
struct board_backend {
	/* Read often, written rarely. */

	_Atomic uint32_t text_version; /* grows with the text; its lowest bit: the current copy */
	_Atomic uint32_t epoch;	       /* grows when the slot is freed or given away */
	_Atomic int32_t pool;	       /* BOARD_NONE: the slot is free; see also board.slots_used */
	_Atomic int32_t next[2];       /* next member in config order, in either copy of the list */
	_Atomic uint32_t weight, slots; /* slots 0: no limit */
	_Atomic int32_t tier;
	_Atomic uint32_t member;       /* the pool's list_version when it was put into that list */
	_Atomic int64_t idle_since_ms; /* board_reclaim: no member, nothing in flight; 0: not so */

	/* Low 8 bits enum board_state, above them the time it began (wall clock ms). */
	_Alignas(64) _Atomic uint64_t state;
	_Atomic int64_t ejected_until_ms;   /* wall clock */
	_Atomic uint32_t latency_us;	    /* moving average to the first byte, 0: none yet */
	_Atomic uint32_t marked_by_request; /* 1: down by a request, not a check: recheck soon */
	_Atomic uint32_t pinned;	    /* 0: not; else 1 + the state a person gave it */
	/*
	 * Wall clock of its return from down or ejected, or of its joining a pool that had members
	 * already; 0: it was there from the start.
	 */
	_Atomic int64_t back_since_ms;
	_Atomic uint32_t streak;    /* failures in a row, over all workers; of pools with `eject` */
	_Atomic uint32_t ejections; /* how often it was ejected lately: its next time grows */
};

/*
 * What requests do not look at: apart, so that what they do look at of thousands of backends is
 * close together.
 */
struct board_prose {
	_Atomic uint64_t reason[BOARD_REASON_WORDS]; /* why it is in its state: text */
	_Atomic uint64_t text[2][BOARD_TEXT_WORDS];  /* struct board_text */
};

/* One worker's counts about one backend: written by that worker only. */
struct board_cell {
	_Atomic uint32_t reserved; /* 1: it wants one more (board_slot_take) */
	_Atomic uint32_t outliers; /* failures that count for `eject`; wraps around */
	_Atomic uint64_t requests, failures;
};

struct board_pool {
	_Atomic uint32_t used;
	_Atomic uint32_t version; /* grows with each change of members, state, weight, addresses */
	_Atomic uint32_t list_version; /* which copy of the member list is current */
	_Atomic uint64_t
		waiters; /* bit w: requests of worker w wait for a free slot (board_queue) */
	_Atomic int32_t first[2];
	_Atomic uint32_t count[2];
	_Atomic uint32_t has_served; /* 1: it had members, here or in the generation before */
	_Atomic uint32_t outliers; /* grows when a backend's streak gets as long as `eject` says */
	_Atomic uint32_t panics;   /* 1: too few are up, all are used; for metrics */
	char name[64];		   /* written once, before `used` */
};

struct board_worker {
	_Alignas(64) _Atomic int32_t pid; /* 0: nobody */
	_Atomic uint32_t generation;
	_Atomic uint64_t beat;	       /* grows while the loop turns (at least twice a second) */
	_Atomic int64_t hook_since_ms; /* monotonic; 0: not in a hook */
	_Atomic uint32_t hook;	       /* service << 8 | hook id while in one */
	_Atomic uint32_t connections;  /* client connections open */
	_Atomic uint64_t requests, bad_requests, hook_errors;
	_Atomic uint64_t lua_bytes; /* memory of its Lua state */
	_Atomic uint64_t lag_us;    /* how late its loop was lately, at worst; fades */
	_Atomic uint64_t starts;    /* processes that had this slot so far */
};

enum { BOARD_HOOK_ERRORS = 5, BOARD_HOOK_WINDOW_MS = 10000, BOARD_HOOK_TRIPPED_MS = 30000 };

struct board_hook { /* one hook of one service, all workers together */
	_Atomic int64_t recent_ms[BOARD_HOOK_ERRORS - 1]; /* when the last errors were; 0: never */
	_Atomic uint32_t recent_next;
	_Atomic uint32_t is_trying; /* half open: the one call that was let through is under way */
	_Atomic uint64_t errors, killed;
	_Atomic uint64_t calls; /* in the agent; others: struct board_service_cell */
	_Atomic uint64_t ns;	/* estimated, see script/cost.h */
	/* of them, by a later generation */
	_Atomic uint64_t errors_taken, killed_taken, calls_taken, ns_taken;
	/* monotonic; 0: not tripped; once it is over one try is let through (half open) */
	_Atomic int64_t tripped_until_ms;
};

/*
 * Known by the hash of its whole name, which one compare-and-swap puts there: nothing is ever half
 * made.
 */
struct board_counter {
	_Atomic uint64_t key; /* 0: free */
	_Atomic uint32_t is_named;
	_Atomic uint64_t name[BOARD_COUNTER_NAME_WORDS]; /* text, cut if need be; for metrics */
	_Alignas(64) _Atomic uint64_t value;
	_Atomic uint64_t taken; /* of it, by a later generation */
};

/*
 * A service by its name, as metrics know it: found by the name's hash like counters, so that it is
 * the same row for every worker and generation.
 */
struct board_service {
	_Atomic uint64_t key; /* 0: free */
	_Atomic uint64_t name[BOARD_SERVICE_NAME_WORDS];
};

/*
 * What the agent asks the master to do before workers start; checked by the master, which does not
 * trust it.
 */
struct board_plan {
	uint32_t workers;
	uint32_t listens;
	uint32_t connections; /* for the fd limit: the largest limits.connections */
	int32_t log_level;
	uint64_t digest;
	char log_target[256];
	char pid_file[256];
	char admin[128]; /* where the admin side listens; "": nowhere */
	char admin_group[64];
	uint32_t admin_mode;
	struct {
		char address[128];
		uint8_t is_tcp;
		uint16_t service;
	} listen[BOARD_LISTENS_MAX];
};

/* The life of this generation, and how the last reload went. Written by the master alone. */
struct board_life {
	_Atomic uint32_t generation;	/* from 1 */
	_Atomic int64_t started_ms;	/* wall clock: when neap was started */
	_Atomic int64_t serving_ms;	/* since when this generation serves; 0: not yet */
	_Atomic uint32_t reloads;	/* tried since the start */
	_Atomic uint32_t failures;	/* of them */
	_Atomic int64_t reload_ms;	/* when the last one ended; 0: there was none */
	_Atomic uint32_t is_failed;	/* 1: the last one failed, and board_life_error says why */
	_Atomic uint32_t error_version; /* its lowest bit: the current copy */
	_Atomic uint64_t error[2][BOARD_ERROR_WORDS];
	char config[256]; /* as the command line names it; written before any fork */
};

/*
 * Stories of requests for `neap explain`: texts of JSON on two shelves, where the newest push out
 * the oldest. Those of failures have a shelf of their own, so that they stay longer.
 */
enum { BOARD_STORY_BYTES = 4096, BOARD_STORIES = 512 };
enum board_shelf { BOARD_SHELF_SAMPLED, BOARD_SHELF_FAILED, BOARD_SHELVES };

struct board_story {
	_Atomic uint64_t turn; /* odd while it is written; 0: never */
	_Atomic uint64_t text[BOARD_STORY_BYTES / 8];
};

struct board_shelf_rows {
	_Atomic uint64_t next;
	struct board_story rows[BOARD_STORIES];
};

struct board {
	uint32_t magic, version;
	uint64_t bytes;
	struct board_life life;
	_Atomic uint32_t workers_used; /* no worker slot from here on was ever used */
	_Atomic int32_t slots_used;    /* no backend slot from here on was ever used */
	_Atomic int32_t slots_free;    /* below slots_used */
	struct board_plan plan;
	struct board_worker workers[BOARD_ROWS];
	struct board_worker agent; /* its beats and hooks; the rest is a worker's */
	struct board_pool pools[BOARD_POOLS_MAX];
	struct board_hook hooks[BOARD_SERVICES_MAX][BOARD_HOOKS];
	struct board_counter counters[BOARD_COUNTERS_MAX];
	_Atomic int32_t index[BOARD_INDEX]; /* identity → slot + 1; 0: empty, -1: was used */
	struct board_backend backends[BOARD_BACKENDS_MAX];
	/* Close together: to find the least loaded of many all of them are read. */
	_Atomic uint32_t inflight[BOARD_ROWS][BOARD_INFLIGHT_ROW];
	struct board_prose prose[BOARD_BACKENDS_MAX];
	struct board_cell cells[BOARD_ROWS][BOARD_BACKENDS_MAX];
	struct board_service services[BOARD_SERVICES_MAX];
	_Atomic uint32_t service_rows[BOARD_SERVICES_MAX]; /* by place in the config: 1 + row */
	struct board_service_cell service_cells[BOARD_ROWS][BOARD_SERVICES_MAX];
	struct recording recording;
	/* To the first byte of an answer. */
	struct board_histogram latency[BOARD_ROWS][BOARD_BACKENDS_MAX];
	struct board_queue queues[BOARD_ROWS][BOARD_POOLS_MAX];
	struct board_budget budgets[BOARD_ROWS][BOARD_POOLS_MAX];
	struct board_shadow shadows[BOARD_WORKERS_MAX][BOARD_POOLS_MAX];
	struct board_shadow_picks shadow_picks[BOARD_WORKERS_MAX][BOARD_BACKENDS_MAX];
	struct board_shelf_rows stories[BOARD_SHELVES];
	struct recording_ring recording_rings[BOARD_WORKERS_MAX];
};

/* The mapping (MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE); one a generation. */
enum err board_create(struct board **b, struct error *e);
void board_destroy(struct board *b);

/* --- written by the agent --- */

/*
 * The pool of that name, made if it is not there; BOARD_NONE when the board is full or the name too
 * long or empty.
 */
int board_pool_publish(struct board *b, struct str name);
/* BOARD_NONE: there is none. */
int board_pool_find(const struct board *b, struct str name);

struct board_member {
	struct board_text text;
	uint32_t weight, slots; /* slots 0: no limit */
	int32_t tier;
};

/*
 * Makes the backend of this pool and name (text.name) what member says: new (state as `initial`),
 * or changed in place with its state and counts kept; known addresses are kept when m has none and
 * names the same host and port. Does not touch the member list. Returns its slot, BOARD_NONE when
 * the board is full.
 */
int board_backend_publish(struct board *b, int pool, const struct board_member *m,
			  enum board_state initial);

/* The slot of that backend, member or not; BOARD_NONE: there is none. */
int board_backend_find(const struct board *b, int pool, struct str name);

/* Only the addresses of a backend changed (DNS). true: they differ from those before. */
bool board_backend_set_addrs(struct board *b, int slot, const struct board_addr *addrs,
			     unsigned count);

/*
 * The pool's members are exactly these slots, in this order. Slots that are no longer members are
 * freed for reuse by board_reclaim when nothing is in flight on them for 60 s.
 */
void board_pool_set_members(struct board *b, int pool, const int32_t *slots, unsigned count);
void board_reclaim(struct board *b, int64_t now_ms);

/* --- read by all --- */

/* The slots of a pool, in order, into to[max]; returns how many there are (may exceed max). */
unsigned board_pool_members(const struct board *b, int pool, int32_t *to, unsigned max);
static inline uint32_t board_epoch(const struct board *b, int slot)
{
	return atomic_load_explicit(&b->backends[slot].epoch, memory_order_acquire);
}
/* A consistent copy of a backend's text. false: the slot is not (or no longer) of that epoch. */
bool board_backend_text(const struct board *b, int slot, uint32_t epoch, struct board_text *to);

static inline enum board_state board_state(const struct board *b, int slot)
{
	return (enum board_state)(
		atomic_load_explicit(&b->backends[slot].state, memory_order_acquire) & 0xff);
}
/* Wall-clock milliseconds since when it is in this state. */
static inline int64_t board_state_since_ms(const struct board *b, int slot)
{
	return (int64_t)(atomic_load_explicit(&b->backends[slot].state, memory_order_acquire) >> 8);
}
/* The reason of the state, with a zero behind; returns its length. */
size_t board_reason(const struct board *b, int slot, char *to, size_t size);

/*
 * The tier in use, which is the lowest that has a backend up (or unknown), or else the lowest of
 * all, and how many of its backends are up. What drains or weighs nothing does not count.
 */
struct board_share {
	int32_t tier;
	uint32_t up, of;
};
void board_pool_share(const struct board *b, int pool, struct board_share *to);

static inline uint32_t board_pool_version(const struct board *b, int pool)
{
	return atomic_load_explicit(&b->pools[pool].version, memory_order_acquire);
}

/* Which workers have requests that wait for this pool: bit w. */
static inline uint64_t board_queue_waiters(const struct board *b, int pool)
{
	return atomic_load_explicit(&b->pools[pool].waiters, memory_order_relaxed);
}

/* Sum over all workers, and what earlier generations still have under way or have counted. */
uint32_t board_inflight(const struct board *b, int slot);
void board_totals(const struct board *b, int slot, uint64_t *requests, uint64_t *failures);

/* --- written by anyone --- */

/*
 * Changes the state; true when this call did it (false: it was in that state already). Sets since
 * and reason, bumps the pool's version.
 */
bool board_set_state(struct board *b, int slot, enum board_state to, struct str reason,
		     int64_t wall_ms);

/*
 * A request found it dead: down and to be checked again soon. Only from UNKNOWN and UP: what drains
 * or is ejected stays so.
 */
bool board_mark_down(struct board *b, int slot, struct str reason, int64_t wall_ms);

/*
 * Out of service until then (wall clock); a later end replaces an earlier one. The agent brings it
 * back.
 */
bool board_eject(struct board *b, int slot, int64_t until_ms, struct str reason, int64_t wall_ms);

/*
 * The verdict of a check: to UP or DOWN, and only from UNKNOWN, UP and DOWN.
 */
bool board_set_checked(struct board *b, int slot, bool is_up, struct str reason, int64_t wall_ms);

/* The row of that service, made at first use; BOARD_NONE: all are taken. */
int board_service(struct board *b, struct str name);
/* A worker's own cell of the service at that place in the config. Never NULL. */
struct board_service_cell *board_service_cell(struct board *b, unsigned worker, unsigned place,
					      struct str name);

/*
 * A person's word: holds that state whatever checks, requests and policies say, over reloads too,
 * until BOARD_NONE lets go: unknown then.
 */
bool board_pin(struct board *b, int slot, int state, struct str reason, int64_t wall_ms);
static inline uint32_t board_pinned(const struct board *b, int slot)
{
	return atomic_load_explicit(&b->backends[slot].pinned, memory_order_acquire);
}
/*
 * How an attempt ended, for pools with `eject`. board_outlier says true when the streak has just
 * got as long as `longest` (0: whatever): the agent should look.
 */
bool board_outlier(struct board *b, unsigned worker, int slot, uint32_t longest);
static inline void board_well(struct board *b, int slot)
{
	_Atomic uint32_t *streak = &b->backends[slot].streak;
	if (unlikely(atomic_load_explicit(streak, memory_order_relaxed) != 0))
		atomic_store_explicit(streak, 0, memory_order_relaxed);
}
/* Sums over all workers since the slot was taken; both wrap around. */
void board_outliers(const struct board *b, int slot, uint32_t *requests, uint32_t *outliers);

/* A moving average with weight 1/8 for the new value. */
void board_latency(struct board *b, int slot, uint32_t us);

/*
 * The counter of that name (made if need be), NULL when all are taken. Names: "<pool>\x1f<name>".
 */
_Atomic uint64_t *board_counter(struct board *b, struct str name);
/* The same where the key is known and the name may be cut. */
_Atomic uint64_t *board_counter_by_key(struct board *b, uint64_t key, struct str name);
/* Adds to it and returns the value before: no two callers of any process get the same turn. */
uint64_t board_counter_add(_Atomic uint64_t *cell, uint64_t n);
/*
 * The i-th cell, i < BOARD_COUNTERS_MAX, with its name (zero behind); false: not in use. For
 * metrics.
 */
bool board_counter_at(const struct board *b, unsigned i, char *name, size_t size, uint64_t *value);

/* Takes note that this worker slot is in use: sums go over the slots up to the highest one. */
void board_worker_note(struct board *b, unsigned worker);

/*
 * The row of a worker: only the worker itself changes it; the master clears it when that process is
 * gone.
 */
static inline void board_inflight_add(struct board *b, unsigned worker, int slot, int by)
{
	_Atomic uint32_t *cell = &b->inflight[worker][slot];
	if (unlikely(worker >= atomic_load_explicit(&b->workers_used, memory_order_relaxed)))
		board_worker_note(b, worker);
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + (uint32_t)by,
			      memory_order_relaxed);
}

/*
 * Ends what that worker had under way (in flight, waiting, connections, hook, pid); its totals stay.
 * Who waits for its slots is to be woken then.
 */
void board_worker_clear(struct board *b, unsigned worker);

/* --- from generation to generation --- */

/*
 * In the agent, while it publishes for the first time: the backend of this identity as FROM has it,
 * with its addresses and state, is on b too; it is no member of a list. Its slot, or BOARD_NONE:
 * neither has it.
 */
int board_inherit(struct board *b, int pool, struct str name, const struct board *from);

/*
 * In the master: adds to b what was counted on FROM since the last time: requests, failures, the
 * counters of policies. A gauge is taken as it is, and only when IS_FIRST;
 * when it is not, FROM is over: its last failed stories come too.
 */
void board_take(struct board *b, struct board *from, bool is_first);

/*
 * In the master, now and then while generations drain: b sees what they have in flight, and they
 * see the states that b knows.
 */
void board_share(struct board *b, struct board *const *draining, unsigned count);

/* In the master: how a reload ended; why is "" when it went well. */
void board_life_note(struct board *b, struct str why, int64_t wall_ms);
/* Why the last one failed, "" when it did not. */
void board_life_error(const struct board *b, char *to, size_t size);

/* The hook is left out for a while at once, whatever it did before. */
void board_hook_leave_out(struct board *b, unsigned service, unsigned hook, int64_t now_ms);
/* An error of a hook now: true when it has just been tripped (five in ten seconds). */
bool board_hook_error(struct board *b, unsigned service, unsigned hook, int64_t now_ms);
void board_hook_trip(struct board *b, unsigned service, unsigned hook, int64_t now_ms);
/*
 * Is this hook tripped now? After 30 s one call is let through at a time (half open): success
 * un-trips it.
 */
bool board_hook_is_tripped(struct board *b, unsigned service, unsigned hook, int64_t now_ms);
void board_hook_ok_after_trip(struct board *b, unsigned service, unsigned hook);

/* Any process; a text that is too long is left out. */
void board_story_put(struct board *b, enum board_shelf shelf, struct str text);

/* How many were put there: the last ones, of which BOARD_STORIES are left, have the highest numbers. */
uint64_t board_story_count(const struct board *b, enum board_shelf shelf);

/*
 * The text of the story of that number, from 0, into TO (BOARD_STORY_BYTES, a zero behind it); its
 * length, 0: it is gone, or it is being written.
 */
size_t board_story_get(const struct board *b, enum board_shelf shelf, uint64_t number, char *to);

#endif
