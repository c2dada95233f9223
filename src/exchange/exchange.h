/*
 * One request of HTTP from its head to its last byte: the state machine over its parts (request,
 * body, attempt, relay). Events note what happened in the parts; then the machine goes through the
 * states until it has to wait. An exchange ends at the machine's tail alone (client_ops.done).
 * Retries are turns of that loop, never recursion.
 *
 * The client's side (h1_client.h and its like) notes what the client did, then calls exchange_settle
 * once.
 */
#ifndef NEAP_EXCHANGE_EXCHANGE_H
#define NEAP_EXCHANGE_EXCHANGE_H

#include "exchange/parts.h"
#include "exchange/phase.h"

/* Where an exchange comes from; all of it outlives the exchange. */
struct exchange_origin {
	struct plane *plane;
	struct service *service;
	struct client *client;
	struct buf *block;	 /* starts with the request's head */
	const struct peer *peer; /* the other end of the connection */
	struct http_field
		*fields; /* room for limits.headers of the service, and of any pool after it */
};

/*
 * Makes *ex ready for a request. The caller then parses ex->rq.head and calls exchange_start or
 * exchange_refuse.
 */
void exchange_init(struct exchange *ex, const struct exchange_origin *from);

/*
 * The head is parsed, and body_begin was told what came with it: go. fault: what is wrong in the
 * body's first bytes; NULL: nothing. ex may be gone on return.
 */
void exchange_start(struct exchange *ex, const char *fault);

/*
 * A copy of a request that another exchange serves, or its rival: its head, its view (with the pool) and
 * its body are there, all else was decided. Asks `pick` alone.
 */
void exchange_start_copy(struct exchange *ex);

/* Its rival is over, and did not win. ex may be gone on return. */
void exchange_rival_failed(struct exchange *ex);

/*
 * The head was refused, or never came (status and reason in head.refusal). ex may be gone on return.
 */
void exchange_refuse(struct exchange *ex);

/* ---- what the client did; then exchange_settle ---- */

/* It takes bytes again. */
void exchange_writable(struct exchange *ex);

/* Room for more of its body at the end of body.buf; 0: its connection is not read for now. */
size_t exchange_body_room(struct exchange *ex);

/*
 * More of its body is at the end of body.buf (buf_added and all else in *body up to date). fault: it
 * is malformed.
 */
void exchange_body_came(struct exchange *ex, const char *fault);

/* May more of the body go through a pipe, past user memory? Makes body.pipe when there is none. */
bool exchange_may_splice(struct exchange *ex, uint64_t left);

/* More of the body is in body.pipe. */
void exchange_pipe_came(struct exchange *ex);

/* It ended its side, or its connection failed, after its request was whole. */
enum exchange_end { EXCHANGE_CLIENT_CLOSED, EXCHANGE_CLIENT_FAILED };
void exchange_client_ended(struct exchange *ex, enum exchange_end how);

/* It is gone. */
void exchange_client_left(struct exchange *ex, const char *reason);

/* Goes on, now that the client did something. ex may be gone on return. */
void exchange_settle(struct exchange *ex);

/* We close the client's connection, it did not: everything ends. ex is gone on return. */
void exchange_cut(struct exchange *ex, const char *reason);

/* ---- after 101 ---- */

static inline bool exchange_is_tunnel(const struct exchange *ex)
{
	return ex->state == EX_TUNNEL;
}

/* The client's connection is readable or writable (bits of STREAM_…); then exchange_settle. */
void exchange_tunnel_ready(struct exchange *ex, int events);

/* ---- how it stands ---- */

static inline bool exchange_is_over(const struct exchange *ex)
{
	return ex->state == EX_END;
}

static inline bool exchange_is_whole(const struct exchange *ex)
{
	return ex->body.is_complete;
}

/* It waits for a slot. Its client is read meanwhile, so that the client's end is seen. */
static inline bool exchange_is_queued(const struct exchange *ex)
{
	return ex->state == EX_QUEUED;
}

#endif
