/*
 * A request that is a gRPC call: how long its client gives it, and the status that it ends with.
 * Called for every request and every answer; where it is no call, each costs a branch.
 */
#ifndef NEAP_EXCHANGE_CALL_H
#define NEAP_EXCHANGE_CALL_H

#include "exchange/request.h"

/*
 * The head of the request is parsed: is it a call (rq->is_grpc)? The deadline of the whole request
 * begins: timeouts.request, or the grpc-timeout that the client gave, whichever is shorter. Only with
 * a Content-Type is there something to look at.
 */
void call_look(struct request *rq);
static inline void call_begin(struct request *rq)
{
	request_start_total(rq);
	if (unlikely(http_has(&rq->head, FIELD_CONTENT_TYPE)))
		call_look(rq);
}

/* The same of a head that is refused: HTTP/2 tells what it is of all the same. */
void call_begin_refused(struct request *rq);

extern const struct str call_timeout_name; /* of the field that says it */

/*
 * Did so much of the client's time go by here that its backend must be told what is left? Else its
 * field goes on as it is.
 */
bool call_is_late(const struct request *rq);

/* What is left, as a value of that field, in `to`. */
struct str call_time_left(const struct request *rq, char to[GRPC_TIMEOUT_BYTES]);

/*
 * The head of a backend's final answer. If it has the call's status, it is all of the answer
 * ("trailers-only"), and nothing that the client would have to take back.
 */
void call_on_head(struct request *rq, const struct http_head *head, const char *base);

/* The trailers of its answer; true: they have the call's status, and none was known before. */
bool call_on_trailers(struct request *rq, struct str trailers);

/*
 * The trailers of an answer that neap has to break off, in `to`: why, as rq->own says or rq->reason
 * does. Sets rq->grpc_status.
 */
enum { CALL_TRAILERS_BYTES = 128 + 3 * GRPC_MESSAGE_MAX };
struct str call_own_trailers(struct request *rq, char to[CALL_TRAILERS_BYTES]);

/* Does the answer count as a failure by retry.grpc_status of its pool? */
static inline bool call_is_retried(const struct request *rq)
{
	return rq->is_grpc && conf_has_grpc(rq->pool->retry.grpc_status, rq->grpc_status);
}

/* The value of a field among lines as in a head; p = NULL: there is none of that name. */
struct str call_line(struct str lines, struct str name);

/* The status that a call ends with when neap answers it: rq->own. */
int call_own_status(const struct request *rq);

#endif
