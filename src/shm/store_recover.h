/*
 * A process died while it held the lock of a shard. Whatever it was doing, the items say what is
 * there: a change in place is undone, an item that was about to replace another one does or does not,
 * and buckets, free list and counts are made anew. It reads all cells of the shard, and may itself
 * die at any instruction and be done again.
 */
#ifndef NEAP_SHM_STORE_RECOVER_H
#define NEAP_SHM_STORE_RECOVER_H

#include "shm/store.h"

/* By the process that holds the lock now. */
void store_recover(const struct store *s, const struct store_shard *h);

#endif
