/*
 * The contract between C and Lua (abi.h): one request of HTTP/2 and its answer, whose bytes
 * Lua sends and receives. For checks.
 */
#ifndef NEAP_SCRIPT_ABI_CALL_H
#define NEAP_SCRIPT_ABI_CALL_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/* As http/h2_unary.h has it. Lua owns what neap_call_open gives, and ends it with neap_call_close. */
typedef struct h2_unary neap_call;

/* What neap_call_receive says. */
enum neap_call_state {
	NEAP_CALL_GOES_ON, /* there may be something to be sent, and more is to come */
	NEAP_CALL_WHOLE,
	NEAP_CALL_FAILED, /* out says why */
};

/* head: "POST /path HTTP/1.1" and field lines. secure 1: over TLS. NULL: no memory. */
neap_call *neap_call_open(const char *head, size_t n, uint32_t secure, const char *body,
			  size_t body_n);
void neap_call_close(neap_call *c);
uint32_t neap_call_send(neap_call *c); /* 1: out has what is to be sent next; 0: nothing */
uint32_t neap_call_receive(neap_call *c, const char *bytes, size_t n);
void neap_call_fields(neap_call *c); /* out: lines of the answer and its trailers, :status first */
void neap_call_body(neap_call *c);   /* out */

/* cdef end */

#endif
