/*
 * The cells of a shard: which are free, which item is in which bucket, and who goes when there is no
 * room. Only for the process that holds the shard's lock. What is lost when that process dies in
 * here (buckets, the free list, counts) is made anew from the items (store_recover.h). An item is
 * there from the moment its first cell gets its kind, and gone from the moment that is taken away.
 */
#ifndef NEAP_SHM_STORE_CELLS_H
#define NEAP_SHM_STORE_CELLS_H

#include <stdint.h>

#include "shm/row_store.h"
#include "shm/store.h"

/*
 * Takes a chain of n free cells, at most half of the shard's; the first has no kind yet. Drops items
 * for it: what has expired, else what was not looked at for longest; never what living processes
 * hold. 0: there is nothing to drop.
 */
uint32_t store_cells_take(const struct store *s, const struct store_shard *h, uint32_t n,
			  int64_t now_ms);

/* The item is whole: puts it into its bucket. */
void store_cells_link(const struct store_shard *h, uint32_t at, uint64_t hash);

/* The item is no longer there: its cells are free. */
void store_cells_drop(const struct store *s, const struct store_shard *h, uint32_t at);

/* The same, because its time is over. */
void store_cells_expire(const struct store *s, const struct store_shard *h, uint32_t at);

/* Puts the cells of a chain, at most n, onto the free list. */
void store_cells_free(const struct store_shard *h, uint32_t at, uint64_t n);

#endif
