/*
 * The lock of a shard, and the marks that tell its readers of a change.
 */
#ifndef NEAP_SHM_STORE_LOCK_H
#define NEAP_SHM_STORE_LOCK_H

#include <stdbool.h>

#include "shm/store.h"

/*
 * Takes it; when its holder died, makes the shard whole first. false: another process has held it for
 * a tenth of a second, as only one that was stopped does.
 */
bool store_lock(const struct store *s, const struct store_shard *h);
void store_unlock(const struct store_shard *h);

/* Between the two, what readers see is not whole, and they read again. With the lock held. */
static inline void store_change_begin(const struct store_shard *h)
{
	uint64_t version = atomic_load_explicit(&h->row->version, memory_order_relaxed);
	atomic_store_explicit(&h->row->version, version + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static inline void store_change_end(const struct store_shard *h)
{
	uint64_t version = atomic_load_explicit(&h->row->version, memory_order_relaxed);
	atomic_store_explicit(&h->row->version, version + 1, memory_order_release);
}

#endif
