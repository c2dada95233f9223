/*
 * The contract between C and Lua (abi.h): the limits of neap.limit, which stand in the stores of
 * neap.shared (shm/store_rate.h).
 */
#ifndef NEAP_SCRIPT_ABI_LIMIT_H
#define NEAP_SCRIPT_ABI_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "script/abi.h"

/* cdef begin */

/* A limit, as Lua made it. Its entries begin with the eight bytes that stand for its name. */
typedef struct neap_limit {
	uint32_t id[2];
	double interval_us, tolerance_us;
} neap_limit;

/*
 * Each returns an enum store_result; the numbers stand in neap_store_answers (abi_store.h). number:
 * microseconds to wait, 0: taken; ahead_us: how far the key is ahead of its rate after this.
 */
uint32_t neap_limit_take(uint32_t store, const neap_limit *l, const char *key, size_t n,
			 double cost);
/* By the client's address, IPv6 by /64. STORE_NOT_FOUND: it has none (a unix socket). */
uint32_t neap_limit_take_client(uint32_t store, const neap_limit *l, const neap_request *r,
				double cost);
/* Takes nothing; number is 0. */
uint32_t neap_limit_look(uint32_t store, const neap_limit *l, const char *key, size_t n);
uint32_t neap_limit_look_client(uint32_t store, const neap_limit *l, const neap_request *r);

/* cdef end */

#endif
