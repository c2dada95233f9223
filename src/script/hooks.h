/*
 * The hooks of all services of a process, as Lua built them at load. hook.h calls them, trip.h judges
 * their errors.
 */
#ifndef NEAP_SCRIPT_HOOKS_H
#define NEAP_SCRIPT_HOOKS_H

#include "script/co.h"
#include "script/hoarder.h"
#include "script/log_line.h"
#include "shm/hook_id.h"
#include "shm/row_hook.h"
#include "shm/stats.h"

/* What C enters Lua for. */
enum entry {
	ENTRY_DECIDE,
	ENTRY_FAILED,
	ENTRY_RESPONSE,
	ENTRY_LOG,
	ENTRY_CERTIFICATE,
	ENTRY_CONNECTION,
	ENTRY_ERROR,
	ENTRY_KEY,
	ENTRY_SHADOW,
	ENTRIES
};
_Static_assert((int)ENTRY_SHADOW == (int)BOARD_ENTRIES, "the board has a cell for those before");

/* What becomes of a request whose hook failed: the service says so (on_error, guard). */
enum mercy {
	MERCY_DEFAULT, /* the default policy decides */
	MERCY_REFUSE,  /* refused, where `request`, `backends` or `pick` failed */
	MERCY_NONE     /* guard = true: refused, whichever hook failed before the answer is out */
};

/* The hook `key` as one of neap.key made it: see net/datagram_key.h. */
struct ready_key {
	uint8_t kind; /* enum datagram_key; 0: it is a function of the policy */
	uint8_t length;
	bool is_narrow;
};

/* The hooks of one service. Valid as long as the table. */
struct hooks {
	/* Where they run. */
	struct hook_table *table;
	struct vm *vm;
	struct co_pool *cos;

	/* What there is to call, and what follows an error. */
	unsigned service;
	enum mercy mercy;
	uint32_t have;	      /* bit enum hook_id */
	bool has_own;	      /* some are not a shipped policy's */
	int entries[ENTRIES]; /* references; LUA_NOREF: none */
	struct ready_key ready_key;

	/* On the board: errors and trips by hook, calls and times by entry. */
	const struct board_hook *rows;
	struct board_entry *counts;
	struct board_entry own_counts[BOARD_ENTRIES]; /* where no worker has any */

	/* What the log says of them. */
	struct log_limit limits[HOOKS], no_co;
};

struct hook_table {
	/* Where they run, borrowed. `worker`: its slot on the board; -1: the agent or a check. */
	struct vm *vm;
	struct co_pool *cos;
	struct board *board;
	const struct conf *conf; /* NULL: not loaded yet */
	int worker;

	/* By service. */
	struct hooks *services;
	unsigned services_n;

	/* What they share: the policy that gets no more memory, the line of the access log. */
	struct hoarder hoarder;
	struct log_line line;

	/* Of requests: their ids differ between processes; what Lua keeps of them, by id (a reference). */
	uint32_t id_prefix;
	int requests;

	/* Not NULL: the first error of a hook goes there, and not into the log (trial.c). */
	struct error *failure;
	unsigned failed_hook;
};

/* The hooks that an entry may call, as bits of enum hook_id; a tripped one among them is left out. */
extern const uint32_t hooks_called[ENTRIES];

/* An empty table; the vm is made. */
void hook_table_init(struct hook_table *t, struct co_pool *cos, struct board *board, int worker);
void hook_table_fini(struct hook_table *t);

/* The config is loaded. */
void hook_table_set_conf(struct hook_table *t, const struct conf *conf);

/*
 * Makes the services' hooks from the list that is on top of the stack (runtime/build). Raises a Lua
 * error without memory: call it protected.
 */
void hook_table_build(struct hook_table *t);

/*
 * Has the service's policy (or that of any pool that it may use) this hook? An absent one costs
 * nothing: do not call it.
 */
bool hooks_have(const struct hooks *h, enum hook_id id);
/* May a hook ask what no shipped policy asks? */
bool hooks_have_own(const struct hooks *h);
/* Its hook `key`, if that is one of those that C can read; else NULL. */
const struct ready_key *hooks_ready_key(const struct hooks *h);
bool hooks_tell(const struct hooks *h); /* somebody wants to hear how a request ended */

const char *hooks_service(const struct hooks *h); /* its name */

#endif
