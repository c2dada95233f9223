/*
 * Processes that use a store, and whether they still live. Each has a row of its own, in which it
 * counts its reads, and keeps the robust mutex in it locked to its end: the kernel gives it up when
 * the process dies, however it does. Who then takes the lock begins another life of the row, and what
 * was held in an earlier one (store_hold.h) is held by nobody. So nothing that a dead process held is
 * lost, and nobody has to watch for it.
 *
 * What is held of one item by one process is one word: the life, the row, and how many times.
 */
#ifndef NEAP_SHM_STORE_TENANT_H
#define NEAP_SHM_STORE_TENANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cc.h"
#include "shm/row_store.h"

#define STORE_HELD_MAX ((UINT32_C(1) << 24) - 1) /* by one process, of one item */

struct store_tenancy {
	struct store_tenant *rows;
	struct store_tenant *own; /* NULL: it has none yet */
	uint64_t mark;		  /* of this process's words */
};

static inline uint32_t store_held_count(uint64_t word)
{
	return (uint32_t)word & STORE_HELD_MAX;
}

bool store_tenant_begin(struct store_tenancy *t);

/* Has this process a row from here on? false: all are taken. */
static inline bool store_tenant_claim(struct store_tenancy *t)
{
	return likely(t->own != NULL) || store_tenant_begin(t);
}

/* A read found something, or nothing. Not counted while all rows are taken. */
static inline void store_tenant_count(struct store_tenancy *t, bool is_hit)
{
	if (unlikely(!store_tenant_claim(t)))
		return;
	_Atomic uint64_t *cell = is_hit ? &t->own->hits : &t->own->misses;
	atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* This process holds nothing any more. By the thread that claimed. */
void store_tenant_end(struct store_tenancy *t);

/* Does the process that wrote this word live? */
bool store_tenant_lives(const struct store_tenancy *t, uint64_t word);

/* Does any that lives hold this item? With the lock of its shard held. */
bool store_tenants_hold(const struct store_tenancy *t, const struct store_shard *h, uint32_t at);

#endif
