/*
 * A connection of a waiting coroutine: dialled, written and read on its behalf. Owned by the
 * coroutine's list; what it has received and not given out yet lies in a bounded buffer.
 */
#ifndef NEAP_SCRIPT_CONN_H
#define NEAP_SCRIPT_CONN_H

#include "http/h1_body.h"
#include "http/h1_head.h"
#include "script/co.h"

/* An answer being read; made when the first one is. */
struct conn_answer {
	struct http_head head;
	struct h1_body body;
	struct http_limits limits;
	bool has_head;
	unsigned interims;	/* 1xx heads so far */
	size_t body_at, body_n; /* the payload in the buffer; coded bytes follow it */
	struct http_field fields[IO_HEADERS_MAX];
};

struct conn {
	struct list node; /* in wait.conns */
	struct co *co;
	uint32_t id;
	struct stream stream;
	struct dial dial;
	bool is_dialling;
	bool is_over; /* the other side has closed */
	char *bytes;
	size_t n, cap;
	size_t taken; /* given out already; goes with the next read */
	uint16_t port;
	struct conn_answer *answer;
};

struct conn *conn_create(struct co *co); /* NULL: too many, or no memory */
void conn_destroy(struct conn *c);
struct conn *conn_find(struct co *co, uint32_t id);

/* true: decided at once (failure in the co's wait); false: co_wake will come. */
bool conn_dial(struct conn *c, const struct addr *addrs, unsigned count);

/* Goes on with what the co's wait says; true: it is over (failure or result in the wait). */
bool conn_step(struct conn *c);

#endif
