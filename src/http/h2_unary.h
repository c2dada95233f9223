/*
 * One request as a client, alone on its connection of HTTP/2, and its whole answer; both are small. No
 * I/O: the owner sends what h2_unary_gather gives, and hands in what came, until h2_unary_state says
 * that it is over.
 */
#ifndef NEAP_HTTP_H2_UNARY_H
#define NEAP_HTTP_H2_UNARY_H

#include "base/out.h"
#include "http/h2_session.h"

enum { H2_UNARY_BYTES = 16 * 1024 }; /* of an answer's fields, and of its body */

enum h2_unary_state {
	H2_UNARY_GOES_ON,
	H2_UNARY_WHOLE,	 /* the answer is here */
	H2_UNARY_FAILED, /* h2_unary_fault says why */
};

struct h2_unary;

/*
 * head: "POST /path HTTP/1.1" and field lines, Host among them. scheme: a constant. Both texts are
 * copied. NULL: no memory. The caller's, for h2_unary_destroy.
 */
struct h2_unary *h2_unary_create(struct str head, struct str scheme, struct str body);
void h2_unary_destroy(struct h2_unary *c); /* NULL is harmless */

/* Bytes to be sent now, into `to` with room for H2_GATHER_MIN; 0: none. */
size_t h2_unary_gather(struct h2_unary *c, char *to, size_t room);

/* n bytes came, at this time. */
enum h2_unary_state h2_unary_receive(struct h2_unary *c, const char *p, size_t n, int64_t now_ms);

/* A constant, after H2_UNARY_FAILED. */
const char *h2_unary_fault(const struct h2_unary *c);

/* The fields of the answer and its trailers as lines "name: value\n", :status first; its body. */
struct str h2_unary_fields(const struct h2_unary *c);
struct str h2_unary_body(const struct h2_unary *c);

#endif
