/*
 * The request's body on its way from the client to the attempt, with back-pressure: how much of it is
 * kept, when it flows, when nobody takes it any more.
 */
#ifndef NEAP_EXCHANGE_UPLOAD_H
#define NEAP_EXCHANGE_UPLOAD_H

#include "exchange/attempt.h"
#include "exchange/client.h"

/* What the exchange does with it now. */
enum upload_use {
	UPLOAD_GATHERS, /* nothing yet: it is kept */
	UPLOAD_SENDS,	/* the request goes out */
	UPLOAD_SENT,	/* what came is out, the answer is awaited */
	UPLOAD_TRAILS,	/* the answer goes out, and the backend may still take the rest */
};

enum upload_outcome {
	UPLOAD_WAITS,
	UPLOAD_READY,	/* what came is to be sent (attempt_send) */
	UPLOAD_REFUSED, /* rq->own: malformed, or too large */
};

/*
 * The body's first bytes came with the head, or none did. fault: they are malformed; NULL: they are
 * not.
 */
enum upload_outcome upload_begin(struct attempt *at, const char *fault);

/*
 * A backend was chosen: is the body within what is allowed? Asked where hooks had a say in that, for
 * then the service's own limit does not hold before.
 */
enum upload_outcome upload_admit(struct attempt *at);

/*
 * The request's head is out, and its client awaits a 100 (RFC 9110 §10.1.1). Servers of HTTP/2 seldom
 * send one, and their windows hold a body up just as well: then neap says it, and passes no Expect on.
 */
void upload_answer_expectation(struct attempt *at, struct client *c);

/* Says it, whatever the backend speaks: a hook waits for the body. Then no backend is asked. */
void upload_go_on(struct attempt *at, struct client *c);

/* How long the body is, as far as that is known. */
uint64_t upload_announced(const struct attempt *at);

/* Is that more than is allowed, as hooks have it now? */
bool upload_is_too_large(const struct attempt *at);

/* Is all of the body here, or will what is still to come be kept too? Of a chosen pool. */
bool upload_is_kept(const struct attempt *at);

/* Room for more at the end of body.buf; 0: the backend has to take some first. */
size_t upload_room(struct attempt *at, enum upload_use use);

/* More came, at the end of body.buf. fault: as above. */
enum upload_outcome upload_came(struct attempt *at, struct client *c, enum upload_use use,
				const char *fault);

/* After upload_came: gives up sending again, if the pool keeps no more (retry.body_bytes). */
void upload_settle(struct attempt *at, enum upload_use use);

/* After sending, or when nobody takes it any more: reads on when there is room again. */
void upload_resume(struct attempt *at, struct client *c, enum upload_use use);

/*
 * A large body that cannot be sent again goes through a pipe once nothing of it is in memory. left:
 * bytes to come, 0: not known. true: body.pipe is there.
 */
bool upload_may_splice(struct attempt *at, enum upload_use use, uint64_t left);

#endif
