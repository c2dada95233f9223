/*
 * What is done with all items of a store.
 */
#ifndef NEAP_SHM_STORE_ALL_H
#define NEAP_SHM_STORE_ALL_H

#include <stdbool.h>

#include "shm/store.h"

/* Where one is among its keys; all 0: before the first. */
struct store_cursor {
	uint32_t shard, cell;
};

/*
 * The next key, in s->text. false: there are no more. What is set or dropped meanwhile may or may
 * not be met; all else is met once.
 */
bool store_next(struct store *s, struct store_cursor *c, struct str *key);

/* Drops all. */
void store_flush(const struct store *s);

/* Copies what has not expired, the oldest first, so that the newest stays if there is no room for all. */
void store_copy(const struct store *to, struct store *from);

struct store_stats {
	uint64_t bytes; /* of the store */
	uint64_t used;	/* in use for items, their share of the buckets and the head included */
	uint64_t entries, evicted, expired;
	uint64_t hits, misses; /* of reads */
};

/* Close to the truth while others change it. */
void store_look(const struct store *s, struct store_stats *to);

#endif
