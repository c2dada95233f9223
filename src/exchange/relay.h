/*
 * The answer: from the backend (or made here) to the client, with back-pressure. It decides whether
 * both connections can go on, and moves the body from the leg to the client. What follows from an
 * outcome is the exchange's business.
 */
#ifndef NEAP_EXCHANGE_RELAY_H
#define NEAP_EXCHANGE_RELAY_H

#include "exchange/attempt.h"
#include "exchange/client.h"

enum { RELAY_INTERIM_BYTES = 256 * 1024 }; /* 1xx answers of a backend to one request */

enum relay_outcome {
	RELAY_WAITS,	/* for the next event */
	RELAY_ANSWERS,	/* an answer is under way to the client */
	RELAY_OVER,	/* all of it is out */
	RELAY_REST,	/* all of it is out, and the backend still takes the rest of the request */
	RELAY_LEFT,	/* the client is gone, or nothing moves any more */
	RELAY_HELD,	/* the answer counts as a failure (rq->failure): asks for `failed` */
	RELAY_WON,	/* a rival's: the head of an answer is there, for the other exchange */
	RELAY_SWITCHES, /* 101, as it was asked for: the connections become a tunnel */
	RELAY_STALE,	/* a kept connection was dead: the same attempt again */
	RELAY_FAILED,	/* the attempt failed: rq->failure */
	RELAY_REFUSED,	/* neap answers itself: rq->own */
};

/* How far the answer is. */
enum relay_answer {
	ANSWER_NONE,
	ANSWER_ALONE, /* its head came without its body, which is awaited for a moment */
	ANSWER_OUT,   /* bytes of a final answer went out */
};

struct relay {
	struct request *rq;
	struct attempt *at;
	struct client *client;
	struct client_body out;
	uint8_t answer; /* enum relay_answer */
};

void relay_init(struct relay *r, struct attempt *at, struct client *c);

/* The leg has something to be read (or ended). */
enum relay_outcome relay_read(struct relay *r);

/* The client takes bytes again. */
enum relay_outcome relay_write(struct relay *r);

/* A head that came alone goes out without the body that did not follow in time. */
enum relay_outcome relay_head_alone(struct relay *r);

/* Bytes of the request move. While an answer is under way they keep the exchange alive, too. */
void relay_note_upload(struct relay *r);

/* In RELAY_REST: does the backend take more of the request? If not, its connection is closed. */
bool relay_has_rest(struct relay *r);

/* Sends an answer of ours. text may be scratch memory, a script's body lives with the request. */
enum relay_outcome relay_reply(struct relay *r, struct str head, struct str text);
enum relay_outcome relay_script(struct relay *r, struct str head, struct str body);

/* Sends the final answer whose head is at the start of leg.in; also a held one that is to pass. */
enum relay_outcome relay_begin(struct relay *r);

/* The answer that is held is dropped, with its attempt: another one follows. */
void relay_drop_held(struct relay *r);

/*
 * Ends an answer that cannot be finished: what is there still goes out, then the connection closes
 * so that the client sees it.
 */
enum relay_outcome relay_truncate(struct relay *r);

/* Only the connection's end tells the client that its answer is over. */
bool relay_ends_with_connection(const struct relay *r);

/* Its deadline is over: nothing has moved for too long. */
enum relay_outcome relay_stalled(struct relay *r);

#endif
