/*
 * One call of a service's hooks: enters Lua, and enters again without a hook that erred, until there
 * is a verdict. For hook.h and shadow.h, which say what it is about.
 */
#ifndef NEAP_SCRIPT_ENTRY_H
#define NEAP_SCRIPT_ENTRY_H

#include "script/hooks.h"

/* What the entry is about, beside the request. */
struct entry_details {
	neap_response *response;
	const neap_failure *failure;
	const neap_outcome *outcome;
	uint32_t trying; /* tripped hooks, on this one request; set by entry_call */
};

/*
 * Calls the hooks of the entry, but not those in skip (bits of enum hook_id), nor tripped ones.
 * NEAP_WAIT: r->co waits, and r->on_resumed gets the verdict from the loop.
 */
enum neap_verdict entry_call(struct hooks *h, neap_request *r, enum entry entry, uint32_t skip,
			     struct entry_details *details);

/* Makes a coroutine ready for an entry. Its details, what it leaves out and tries are the caller's. */
void entry_prepare(struct co *co, struct hooks *h, neap_request *r, enum entry entry);

/* The running entry has changed when its request must be over. */
void entry_look_at_deadline(struct co *co);

/* Frees the part of a view that an entry which erred may have left. */
void entry_drop_reply(neap_request *r);

#endif
