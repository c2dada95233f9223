/*
 * The contract between C and Lua (abi.h): limits that several machines have in common
 * (shm/store_lease.h). For the agent.
 */
#ifndef NEAP_SCRIPT_ABI_LEASE_H
#define NEAP_SCRIPT_ABI_LEASE_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/* Where the agent is among the keys of a store that owe, and the last one; keys are in out. */
typedef struct neap_lease_round {
	uint32_t shard, cell, left;
	double owed_us, tolerance_us;
} neap_lease_round;

/*
 * So many balancers have the store's limits in common; 0: they are this one's. What was not settled
 * for so many seconds is stale.
 */
void neap_lease_share(uint32_t store, uint32_t balancers, double stale);
uint32_t neap_lease_balancers(uint32_t store);
/* What the others know this store by, in out. */
void neap_lease_id(uint32_t store);
/* Goes on where it stopped, over so many cells. 0: nothing is owed. */
uint32_t neap_lease_begin(uint32_t store, neap_lease_round *r, uint32_t cells);
/* 0: there is none for now. */
uint32_t neap_lease_next(uint32_t store, neap_lease_round *r);
/* That far ahead are all together, and so many take. */
void neap_lease_settle(uint32_t store, const char *key, size_t n, double ahead_us, uint32_t takers);

/* cdef end */

#endif
