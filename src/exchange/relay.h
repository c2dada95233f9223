/*
 * The answer on its way: from the backend (or made here) to the client, with back-pressure. It moves
 * the body from the leg to the client, and gives the backend's connection back. What follows from an
 * outcome is the exchange's business.
 */
#ifndef NEAP_EXCHANGE_RELAY_H
#define NEAP_EXCHANGE_RELAY_H

#include "exchange/attempt.h"
#include "exchange/client.h"
#include "exchange/squeeze.h"

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
	RELAY_GATHERS,	/* `response` waits for the answer's body (kept_answer.h) */
	RELAY_GATHERED, /* it need not wait any more */
};

/* How far the answer is. */
enum relay_answer {
	ANSWER_NONE,
	ANSWER_ALONE, /* its head came without its body, which is awaited for a moment */
	ANSWER_KEPT, /* its hook has asked for its body: none of it goes out before the hook ends */
	ANSWER_OUT,  /* bytes of a final answer went out */
};

/* An answer whose body a hook has asked for. */
struct relay_kept {
	char *own; /* what the hook put in the place of its body; NULL: nothing */
	uint32_t own_n;
	uint32_t asked; /* so much the hook wants to see */
	bool is_bad;	/* its body is malformed */
	char head[];	/* it is no longer in leg.in */
};

struct relay {
	struct request *rq;
	struct attempt *at;
	struct client *client;
	struct client_body out;
	uint8_t answer;		 /* enum relay_answer */
	bool varies;		 /* its head must say that it depends on Accept-Encoding */
	struct relay_kept *kept; /* NULL: no hook asked for its body */
	struct squeeze *squeeze; /* NULL: the answer goes out as it is */
	struct neap_response view;
};

void relay_init(struct relay *r, struct attempt *at, struct client *c);

/* Of an answer that is out: the leg has something to be read (or ended). */
enum relay_outcome relay_read(struct relay *r);

/* The client takes bytes again. */
enum relay_outcome relay_write(struct relay *r);

/* Bytes of the request move. While an answer is under way they keep the exchange alive, too. */
void relay_note_upload(struct relay *r);

/* In RELAY_REST: does the backend take more of the request? If not, its connection is closed. */
bool relay_has_rest(struct relay *r);

/* Sends an answer of ours. text may be scratch memory, a script's body lives with the request. */
enum relay_outcome relay_reply(struct relay *r, struct str head, struct str text);
enum relay_outcome relay_script(struct relay *r, struct str head, struct str body);

/* The head at the start of leg.in is done with, before it is sent. false: the body is malformed. */
bool relay_open_body(struct relay *r);

/* Sends the backend's answer: its head, as it was rewritten, and what is there of its body. */
enum relay_outcome relay_pass(struct relay *r, struct str head);

/* What a hook has made of the answer is undone. */
void relay_drop_edits(struct relay *r);

/* It goes out as it is, after all. */
void relay_drop_squeeze(struct relay *r);

/* Frees what belongs to it. */
void relay_fini(struct relay *r);

/* A hook has put another body in the place of its own. */
static inline bool relay_is_replaced(const struct relay *r)
{
	return unlikely(r->kept != NULL) && r->kept->own != NULL;
}

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
