/*
 * The contract between C and Lua (abi.h): neap.concurrency, how many requests are somewhere at once
 * (shm/store_hold.h). What a request entered it leaves with its end (script/holds.h).
 */
#ifndef NEAP_SCRIPT_ABI_CONCURRENCY_H
#define NEAP_SCRIPT_ABI_CONCURRENCY_H

#include <stddef.h>
#include <stdint.h>

#include "script/abi.h"

/* cdef begin */

typedef struct neap_concurrency {
	uint32_t id[2]; /* stands for its name, as a limit's */
	uint32_t limit;
} neap_concurrency;

/*
 * Each returns an enum store_result. key NULL: the client of r, IPv6 by /64; STORE_NOT_FOUND: it has
 * no address, or r is not in there.
 */
uint32_t neap_concurrency_enter(uint32_t store, const neap_concurrency *c, neap_request *r,
				const char *key, size_t n);
uint32_t neap_concurrency_leave(uint32_t store, const neap_concurrency *c, neap_request *r,
				const char *key, size_t n);
/* number of neap_store_answers: how many are in there. */
uint32_t neap_concurrency_inside(uint32_t store, const neap_concurrency *c, const neap_request *r,
				 const char *key, size_t n);

/* cdef end */

#endif
