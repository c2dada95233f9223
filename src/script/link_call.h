/*
 * One request of a script over HTTP/2 and its answer, which becomes the text that HTTP/1.1 would have:
 * a status line, field lines, the body, without a coding, up to its end. No I/O. It knows the session
 * that has its stream, and the stream (net/stream.h) by which its owner reads.
 *
 * It lives until both have left it: the session (id 0) and the owner (stream NULL).
 */
#ifndef NEAP_SCRIPT_LINK_CALL_H
#define NEAP_SCRIPT_LINK_CALL_H

#include "http/h2_session.h"
#include "http/msg.h"
#include "net/stream.h"

enum {
	LINK_HEAD_MAX = 64 * 1024, /* of an answer's head, with those of 1xx before it */
	LINK_WINDOW = 64 * 1024,   /* of an answer's body that was not read */
};

/* What a script is told when nothing was done of its request: it may be sent again. */
extern const char link_refused[];

struct link_call {
	struct list node; /* the link's */
	struct link *link;
	struct stream *stream; /* the owner's; NULL: it has closed it */
	struct deferred next;  /* waits while something is to be told */
	int32_t id;	       /* in the session; 0: not begun, or over */
	int64_t begun_ms;

	/* The request: its head is gone when it began. */
	char *body;
	size_t body_at, body_n;

	/* The answer: what is not read begins at `at`; the first `uncounted` of it are no body. */
	char *bytes;
	size_t at, n, room, uncounted, head_n;
	uint64_t left; /* of the body, with has_length */
	uint8_t method_id;
	bool has_begun, has_head, has_length, has_no_body, has_ended;
	const char *failure; /* told after the bytes; NULL: none */
};

struct link_call *link_call_create(struct loop *loop);
void link_call_destroy(struct link_call *c);

/* What the session tells of it. */
void link_call_head(struct link_call *c, struct str text); /* part of a head; it is good */
void link_call_begin_body(struct link_call *c, const struct http_head *head); /* that was all */
void link_call_data(struct link_call *c, const char *p, size_t n);
void link_call_end(struct link_call *c);
/* It goes no further: a reason that lives on. The first one counts. */
void link_call_fail(struct link_call *c, const char *why);
size_t link_call_ask(const struct link_call *c, size_t max, enum h2_more *more);
void link_call_take(struct link_call *c, char *to, size_t n);

/* Up to max bytes of the text; *counted: how many are of the body. */
size_t link_call_read(struct link_call *c, char *to, size_t max, size_t *counted);

static inline bool link_call_has_input(const struct link_call *c)
{
	return c->n > c->at || c->has_ended || c->failure != NULL;
}

/* What the owner waits for is told it in the next turn. */
void link_call_tell(struct link_call *c);

#endif
