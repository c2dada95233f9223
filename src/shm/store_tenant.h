/*
 * Processes that hold something in a store (store_hold.h), and whether they still live. Each has a
 * row of its own and keeps the robust mutex in it locked to its end: the kernel gives it up when the
 * process dies, however it does. Who then takes the lock begins another life of the row, and what
 * was held in an earlier one is held by nobody. So nothing that a dead process held is lost, and
 * nobody has to watch for it.
 *
 * What is held of one item by one process is one word: the life, the row, and how many times.
 */
#ifndef NEAP_SHM_STORE_TENANT_H
#define NEAP_SHM_STORE_TENANT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/row_store.h"

#define STORE_HELD_MAX ((UINT32_C(1) << 24) - 1) /* by one process, of one item */

struct store_tenancy {
	struct store_tenant *rows;
	uint64_t mark; /* of this process's words; 0: it has no row yet */
};

static inline uint32_t store_held_count(uint64_t word)
{
	return (uint32_t)word & STORE_HELD_MAX;
}

/* Does this process's row begin, or has it begun? false: all rows are taken. */
bool store_tenant_claim(struct store_tenancy *t);

/* This process holds nothing any more. By the thread that claimed. */
void store_tenant_end(struct store_tenancy *t);

/* Does the process that wrote this word live? */
bool store_tenant_lives(const struct store_tenancy *t, uint64_t word);

/* Does any that lives hold this item? With the lock of its shard held. */
bool store_tenants_hold(const struct store_tenancy *t, const struct store_shard *h, uint32_t at);

#endif
