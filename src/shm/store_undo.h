/*
 * A change in place of an item of at most two cells, all or nothing: what the item was is written
 * down before. For the process that holds the shard's lock.
 */
#ifndef NEAP_SHM_STORE_UNDO_H
#define NEAP_SHM_STORE_UNDO_H

#include "shm/row_store.h"

/* The item at AT is about to be changed. */
void store_undo_begin(const struct store_shard *h, uint32_t at);

/* The change is whole. */
void store_undo_end(const struct store_shard *h);

/* The process that made the change died: the item is what it was, if the change was not whole. */
void store_undo(const struct store_shard *h);

#endif
