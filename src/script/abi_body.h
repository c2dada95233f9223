/*
 * The contract between C and Lua (abi.h): the bodies of a request and of the answer to it.
 */
#ifndef NEAP_SCRIPT_ABI_BODY_H
#define NEAP_SCRIPT_ABI_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "script/abi.h"

/* cdef begin */

/* Whose body: that of r, or of the answer that the hook `response` is about. */
enum neap_body_of { NEAP_BODY_OF_REQUEST, NEAP_BODY_OF_ANSWER };

enum neap_body_state {
	NEAP_BODY_WHOLE,   /* it is here */
	NEAP_BODY_WAITS,   /* not yet: the coroutine must yield, and ask again */
	NEAP_BODY_LONG,	   /* it is longer than max, or than what memory is held for */
	NEAP_BODY_GONE,	   /* it went to a backend, and was not kept */
	NEAP_BODY_BUSY,	   /* too many hooks wait for bodies, or there is no memory */
	NEAP_BODY_BROKEN,  /* it is malformed */
	NEAP_BODY_REFUSED, /* it is longer than limits.body_bytes: it will not be passed on */
};
/* 0: only its head is known, and the other functions are not for it. */
uint32_t neap_body_is_known(const neap_request *r, uint32_t of);
uint32_t neap_body_ask(neap_request *r, uint32_t of, uint32_t max); /* enum neap_body_state */
uint32_t neap_body_most(const neap_request *r, uint32_t of);

/*
 * Once it is whole, without the chunk coding. bytes: how long it is. text: 1: neap_current.out has it;
 * 0: it is in several pieces, which copy brings together.
 */
uint32_t neap_body_bytes(const neap_request *r, uint32_t of);
uint32_t neap_body_text(const neap_request *r, uint32_t of);
void neap_body_copy(const neap_request *r, uint32_t of, char *to);

enum neap_body_set { NEAP_BODY_SET, NEAP_BODY_SENT, NEAP_BODY_NO_MEMORY };
enum { NEAP_BODY_SET_MAX = 16777216 }; /* bytes */
uint32_t neap_body_set(neap_request *r, uint32_t of, const char *bytes, size_t n);

/* cdef end */

#endif
