/*
 * A leg: one exchange as its backend has it. The request goes out, the answer comes in, whatever
 * protocol the connection speaks: a row of functions each (h1_leg.h). Heads are text as in HTTP/1,
 * both ways. Bodies come in the form that the client's side has them in, and is to get them in; what
 * else the backend's connection needs is made here.
 *
 * The owner is told when something can be done (on_ready) and then asks for it; what a call returns
 * says what follows. A leg is used for one attempt after the other, and opened anew for each.
 */
#ifndef NEAP_UPSTREAM_LEG_H
#define NEAP_UPSTREAM_LEG_H

#include "http/h1_body.h"
#include "http/h1_head.h"
#include "net/outbox.h"
#include "upstream/pool.h"

/* What came of reading. */
enum leg_news {
	LEG_NOTHING, /* no byte, or no whole head yet */
	LEG_INTERIM, /* the head of a 1xx is at the start of `in`; then leg_next */
	/* Of a final answer, or of 101: at the start of `in`; then leg_pass. A read before that adds
	 * to `in` and says it again. */
	LEG_HEAD,
	LEG_BODY,	 /* `in` (or the pipe) has more of the body, or its end is known now */
	LEG_LAST,	 /* the connection's end is the end of the body */
	LEG_CLOSED,	 /* the backend closed the connection before the answer was whole */
	LEG_BROKEN,	 /* it failed: leg_failure says how */
	LEG_ENDED_AFTER, /* it ended after the whole answer */
	LEG_BAD,	 /* malformed, or past a limit; of a head: head.refusal says why */
	LEG_FULL,	 /* there is no room in `in`: not read until there is */
	LEG_NO_MEMORY,
};

/* How far the answer is. */
enum leg_phase {
	LEG_AWAITS, /* its final head */
	LEG_PASSES, /* its body */
	LEG_WHOLE,  /* all of it came */
};

/* How far the request is. */
enum leg_sending {
	LEG_UNSENT,
	LEG_SENDING,
	LEG_SENT, /* all of it was written */
	LEG_MUTE, /* writing failed: only reading is left */
};

/* What came on the connection after the answer: then it is out of step, and not used again. */
enum leg_excess { LEG_EXACT, LEG_UNKNOWN, LEG_EXCESS };

/* What is there of the request's body, to be sent. */
struct leg_body {
	const struct iovec *pieces;
	int n;		     /* at most 2 */
	bool is_last;	     /* nothing comes after the pieces but the trailers */
	uint8_t form;	     /* enum body_form: how the pieces are framed */
	struct str trailers; /* lines as in a head, with is_last; of BODY_PLAIN */
};

struct leg;

/* On what terms a connection may be kept for another request. */
struct leg_keep {
	struct pool_terms pool;
	uint32_t max_requests; /* on one; 0: any number */
};

struct leg_ops {
	ssize_t (*send)(struct leg *leg, struct str head, const struct leg_body *body,
			size_t *took);
	ssize_t (*drain)(struct leg *leg, struct pipe *from); /* NULL: not possible */
	enum leg_news (*read)(struct leg *leg, uint8_t method_id);
	enum leg_news (*next)(struct leg *leg, uint8_t method_id);
	enum leg_news (*pass)(struct leg *leg, enum body_form form);
	enum leg_news (*fill)(struct leg *leg, struct pipe *to);
	bool (*can_fill)(const struct leg *leg);
	void (*want)(struct leg *leg, bool more);
	void (*pause)(struct leg *leg);
	void (*resume)(struct leg *leg);
	bool (*is_untouched)(const struct leg *leg);
	struct stream_failure (*failure)(const struct leg *leg);
	void (*end)(struct leg *leg, const struct leg_keep *keep);
	struct stream *(*steal)(struct leg *leg);
	/* It was moved from there: what points to it is set anew. */
	void (*moved)(struct leg *leg, struct leg *from);
	/* Its connection frames bodies itself, and is no business of a head. */
	bool is_framed;
};

/* Where it has its blocks from. */
struct leg_memory {
	struct slab *blocks;
	struct slab *small; /* of at least LEG_SMALL bytes: what is read of a backend while a client
			       takes less than that */
};

enum { LEG_SMALL = 4 * 1024 };

struct leg {
	const struct leg_ops *ops;
	/* Something can be done: bits of STREAM_…. May end what the leg is part of. */
	void (*on_ready)(struct leg *leg, int events);

	/* The connection, lent for this attempt; NULL: the leg is closed. What came stays. */
	struct uconn *uconn;
	void *own; /* the row's */

	/* The request, as far as it is written. */
	struct outbox out;
	uint64_t sent;	 /* bytes */
	uint8_t sending; /* enum leg_sending */
	bool has_ended;	 /* HTTP/1: the last chunk was made here, and is written or in `out` */
	size_t of_chunk; /* HTTP/1: so many bytes are missing of the chunk that was begun here */

	/* The answer. */
	uint8_t phase;	/* enum leg_phase */
	uint8_t excess; /* enum leg_excess */
	uint8_t form;	/* enum body_form: of the body in `in`, where it has no length */
	uint32_t interim_bytes;
	uint32_t
		stands_ms; /* so long the backend leaves the connection idle; UINT32_MAX: not said */
	struct leg_memory memory;
	uint32_t most;	/* HTTP/1: so many bytes of the body may wait in `in` */
	uint32_t ahead; /* HTTP/2: so many more than the window's; a hook asks for them */
	struct buf
		in; /* heads from their first byte on; once one has passed: body bytes to be sent */
	/* Lines as in a head: what follows the body. Whole when the answer is; without a block: none,
	 * or they are part of the coding alone. */
	struct buf trailers;
	struct http_head head;
	struct h1_body body;   /* HTTP/1: its framing */
	const char *own_field; /* only neap says it: taken out of trailers; NULL: none */
	bool reads_trailers;   /* they are wanted beside the coding, too */
};

/* Sets *leg up, closed. Once for all of its attempts. fields: room for those of an answer. */
void leg_init(struct leg *leg, const struct leg_memory *memory, struct http_field *fields,
	      void (*on_ready)(struct leg *leg, int events));

/* Nothing was sent yet, and nothing came. limits: of the answer's head. */
void leg_reset(struct leg *leg, const struct http_limits *limits);

static inline bool leg_is_open(const struct leg *leg)
{
	return leg->uconn != NULL;
}

/*
 * Sends head (the first time; then empty) and as much of the body's pieces as is taken: *took. What is
 * not taken of the head is kept, and so is what the leg adds to the body itself. Bytes, IO_AGAIN or
 * IO_ERROR: from then on it is LEG_MUTE, but an answer may be there to be read all the same.
 */
static inline ssize_t leg_send(struct leg *leg, struct str head, const struct leg_body *body,
			       size_t *took)
{
	return leg->ops->send(leg, head, body, took);
}

/* Takes bytes of the request from a pipe. Bytes, IO_AGAIN or IO_ERROR. */
static inline ssize_t leg_drain(struct leg *leg, struct pipe *from)
{
	return leg->ops->drain(leg, from);
}

/* Can bytes be moved by the kernel alone? */
bool leg_can_drain(const struct leg *leg);
bool leg_can_fill(
	const struct leg *leg); /* also: the body has a length, and none of it is in memory */

/*
 * The client takes at most so many bytes now. What it does not take waits here only as far as a small
 * block has room for it; the rest is left to the backend.
 */
static inline void leg_bound(struct leg *leg, size_t room)
{
	leg->most = room < LEG_SMALL ? LEG_SMALL : room < UINT32_MAX ? (uint32_t)room : UINT32_MAX;
}

/* One read. method_id: the request's, which the framing of its answer depends on. */
static inline enum leg_news leg_read(struct leg *leg, uint8_t method_id)
{
	return leg->ops->read(leg, method_id);
}

/* After LEG_INTERIM, which is dropped: what else is here. */
static inline enum leg_news leg_next(struct leg *leg, uint8_t method_id)
{
	return leg->ops->next(leg, method_id);
}

/*
 * After LEG_HEAD: the head is dropped from `in`, from now on its body is in there; if it has no length,
 * in this form: BODY_CODED, or BODY_PLAIN with the trailers apart. LEG_BODY or LEG_BAD.
 */
static inline enum leg_news leg_pass(struct leg *leg, enum body_form form)
{
	return leg->ops->pass(leg, form);
}

/* One read of the body into a pipe instead of `in`. */
static inline enum leg_news leg_fill(struct leg *leg, struct pipe *to)
{
	return leg->ops->fill(leg, to);
}

/* Back-pressure: is more of the answer wanted now? */
static inline void leg_want(struct leg *leg, bool more)
{
	leg->ops->want(leg, more);
}

/* Nothing is told until leg_resume (there is more to be sent) or leg_want. */
static inline void leg_pause(struct leg *leg)
{
	leg->ops->pause(leg);
}

static inline void leg_resume(struct leg *leg)
{
	leg->ops->resume(leg);
}

/* The only judge of "nothing was taken": then any request may be sent again elsewhere. */
static inline bool leg_is_untouched(const struct leg *leg)
{
	return leg->ops->is_untouched(leg);
}

/* Why the connection failed, after LEG_BROKEN or an IO_ERROR. */
static inline struct stream_failure leg_failure(const struct leg *leg)
{
	return leg->ops->failure(leg);
}

/*
 * The end of the attempt. The connection is kept on these terms when the exchange on it ended in
 * step, else closed; NULL: closed. What came stays in `in`.
 */
void leg_end(struct leg *leg, const struct leg_keep *keep);

/*
 * What FROM has becomes TO's, which is closed and holds nothing: connection, request and answer. TO
 * keeps its owner and its room for fields. FROM is closed then.
 */
void leg_move(struct leg *to, struct leg *from);

/* The bare connection, for a tunnel after 101. It stays the leg's to close. */
static inline struct stream *leg_steal(struct leg *leg)
{
	return leg->ops->steal(leg);
}

/* How many bytes the body still has; 0: its length is not known, or it is whole. */
static inline uint64_t leg_left(const struct leg *leg)
{
	return leg->body.framing == FRAMING_LENGTH ? leg->body.left : 0;
}

/* Its body is in the chunk coding, and what came of it ends with a chunk. */
bool leg_is_between(const struct leg *leg);

/* What came is dropped. */
static inline void leg_drop(struct leg *leg)
{
	buf_drop(&leg->in);
	if (unlikely(leg->trailers.data != NULL))
		buf_drop(&leg->trailers);
}

#endif
