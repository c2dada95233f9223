/*
 * Calls the hooks of a service's policy: the only way from the data path into Lua. Each call is one
 * protected entry. Errors, endless loops and exhausted memory inside end here: they are logged and
 * counted, and the default policy decides instead (or REFUSE, where the service is a guard or has
 * on_error say so).
 *
 * Life of a view: hook_request_init, fill, hook_decide, [hook_failed, hook_pick]…, hook_response,
 * hook_finish. hook_finish must be called once for each view that was given to hook_decide,
 * whatever happened.
 */
#ifndef NEAP_SCRIPT_HOOK_H
#define NEAP_SCRIPT_HOOK_H

#include "net/addr.h"
#include "script/abi.h"
#include "script/log_line.h"

struct hooks; /* of a service, see script/hooks.h */

/*
 * What hooks call request.id: the id that a trusted peer gave, or one of this process's own, in TO.
 * Ids differ between processes and starts.
 */
struct str hook_request_id(const struct hooks *h, const struct neap_request *r, char *to,
			   size_t size);

/* The client's IP address as hooks see it, in TO; "" for a unix socket's. */
struct str hook_client_ip(const struct neap_request *r, char to[INET6_ADDRSTRLEN]);

/*
 * What the config's function for the access log returned in the last hook_finish. LOG_LINE_TEXT: it
 * is in *line, until the next one.
 */
enum log_line_answer hook_line(const struct hooks *h, struct str *line);

/* Zeroes what a script owns of the view. */
void hook_request_init(struct neap_request *r);

/*
 * Calls request, backends and pick in one entry. BACKEND (it may serve: checked), REPLY, NONE,
 * QUEUE, REFUSE or WAIT; after WAIT r->on_resumed gets the final verdict from the loop, never from
 * inside this call.
 */
enum neap_verdict hook_decide(struct hooks *h, struct neap_request *r);

/*
 * Calls pick again, for the next attempt (r->attempt, r->tried are up to date). As hook_decide, but
 * never REPLY.
 */
enum neap_verdict hook_pick(struct hooks *h, struct neap_request *r);

/* An attempt on r->slot failed. RETRY, FAIL, WAIT, or (if the service is a guard) REFUSE. */
enum neap_verdict hook_failed(struct hooks *h, struct neap_request *r,
			      const struct neap_failure *f);

/*
 * The head of the answer that goes to the client. REFUSE: the service is a guard, and 503 must go out
 * instead; WAIT: as hook_decide, for the answer's body (response->body_door), and then *response stays
 * until the verdict; any other: it goes, after an error (response->erred) as it came.
 */
enum neap_verdict hook_response(struct hooks *h, struct neap_request *r,
				struct neap_response *response);

/*
 * Neap is about to answer the request itself with that status. Has the policy, or the config, an
 * answer in its own words? Then it is r->reply.
 */
bool hook_error(struct hooks *h, struct neap_request *r, uint32_t status, const char *reason);

/*
 * A connection was accepted: r has its client's address and its service, after hook_request_init.
 * False: it is to be closed.
 */
bool hook_connection(struct hooks *h, struct neap_request *r);

/*
 * A datagram of a client came: r as for hook_connection, with r->datagram, which has its key then.
 * False: it is to be dropped.
 */
bool hook_key(struct hooks *h, struct neap_request *r);

/*
 * A client's hello is there: which certificate does it get? r as for hook_connection, with its
 * connection and a deadline. DONE: r->certificate is one, the caller's to drop, or NULL; WAIT: as
 * hook_decide.
 */
enum neap_verdict hook_certificate(struct hooks *h, struct neap_request *r);

/* Ends the view: the log hook (when o is given), then frees all that scripts own of it. */
void hook_finish(struct hooks *h, struct neap_request *r, const struct neap_outcome *o);

/*
 * Does the hook that waits want the request's body? hook_body_came lets it look again: from the loop,
 * as the last thing that is done, for on_resumed may follow at once.
 */
bool hook_awaits_body(const struct neap_request *r);
void hook_body_came(struct neap_request *r);

/*
 * The client left while a hook waits: the coroutine ends and its sockets close. on_resumed is not
 * called.
 */
void hook_cancel(struct neap_request *r);

#endif
