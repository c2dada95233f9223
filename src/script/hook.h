/*
 * Calling the hooks of a service's policy: the only way from the data path into Lua. Each call is
 * one protected entry; errors, endless loops and exhausted memory inside are contained here:
 * logged, counted, and replaced by the default policy's decision (or REFUSE).
 *
 * Life of a view: hook_request_init, fill, hook_decide, [hook_failed, hook_pick]…, hook_response,
 * hook_finish. hook_finish must be called once for each view that was given to hook_decide,
 * whatever happened.
 */
#ifndef NEAP_SCRIPT_HOOK_H
#define NEAP_SCRIPT_HOOK_H

#include "net/addr.h"
#include "script/abi.h"
#include "script/vm.h"

enum hook_id {
	HOOK_REQUEST,
	HOOK_BACKENDS,
	HOOK_PICK,
	HOOK_FAILED,
	HOOK_RESPONSE,
	HOOK_LOG,
	HOOK_CHECK,
	HOOK_DISCOVER,
	HOOK_CHANGED,
	HOOK_SHADOW, /* pick of a policy whose answer is only compared */
	HOOK_LINE,   /* the config's function for the access log */
	HOOKS
};

/* "pick", as a policy writes it; "?": there is none of that number. */
const char *hook_word(uint32_t id);

/* The hooks of one service, asked once at load; valid as long as the vm. */
struct hooks;
struct hooks *vm_hooks(struct vm *vm, unsigned service);

/*
 * Has the service's policy (or that of any pool it may use) this hook? An absent one costs
 * nothing: do not call.
 */
bool hooks_have(const struct hooks *h, enum hook_id id);
bool hooks_tell(const struct hooks *h); /* somebody wants to hear how a request ended */

/*
 * What hooks call request.id: an id that a trusted peer gave it, or one of this process's own, in
 * TO. Differs between processes and starts.
 */
struct str hook_request_id(const struct neap_request *r, char *to, size_t size);

/* The client's IP address as hooks see it, in TO; "" for a unix socket's. */
struct str hook_client_ip(const struct neap_request *r, char to[INET6_ADDRSTRLEN]);

/*
 * Of the last hook_finish: what the config's function for the access log returned. 1: *line (valid
 * until the next), 0: that there be none, -1: it did not answer.
 */
int hook_line(const struct hooks *h, struct str *line);

/* Zeroes what a script owns of the view. */
void hook_request_init(struct neap_request *r);

/*
 * request, backends and pick in one entry. BACKEND (eligible: checked), REPLY, NONE, QUEUE,
 * REFUSE or WAIT; after WAIT r->on_resumed gets the final verdict from the loop, never from
 * inside this call.
 */
enum neap_verdict hook_decide(struct hooks *h, struct neap_request *r);

/*
 * pick again, for the next attempt (r->attempt, r->tried are up to date). As hook_decide, never
 * REPLY.
 */
enum neap_verdict hook_pick(struct hooks *h, struct neap_request *r);

/*
 * Asks the shadow of the pool copy->pool about a request whose view this is a copy of: slot is the
 * backend that it went to, where it is in flight. PICKED: slot and epoch are the shadow's choice.
 * The copy is all that it writes to. When half of Lua's memory is in use, this process asks no
 * more.
 */
enum hook_shadow { SHADOW_PICKED, SHADOW_NONE, SHADOW_ERRED, SHADOW_LEFT_OUT };
enum hook_shadow hook_shadow(struct hooks *h, struct neap_request *copy);

/* An attempt on r->slot failed. RETRY, FAIL or WAIT. */
enum neap_verdict hook_failed(struct hooks *h, struct neap_request *r,
			      const struct neap_failure *f);

/* The winning answer's head. Errors leave the answer as it came. */
void hook_response(struct hooks *h, struct neap_request *r, struct neap_response *response);

/* Ends the view: the log hook (when o is given), then frees all that scripts own of it. */
void hook_finish(struct hooks *h, struct neap_request *r, const struct neap_outcome *o);

/*
 * The client left while a hook waits: the coroutine ends (its sockets close), on_resumed is not
 * called.
 */
void hook_cancel(struct neap_request *r);

#endif
