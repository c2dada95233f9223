/*
 * A store: what policies keep in memory that all processes share, under names (neap.shared). One
 * mapping of a memfd, of a fixed size that everything in it keeps to. It outlives generations: the
 * master makes the memfd and hands it on (fleet/stores.h), and never looks inside. Agent and workers
 * map it; checks have a private one.
 *
 * Writers hold the lock of a shard, a robust mutex: when its holder dies at any instruction, the
 * kernel says so to the next one, who makes the shard whole again (store_recover.h) and goes on.
 * Three things make that possible. An item is committed by one store, of its first cell's kind, once
 * all else of it is written. A change in place is one word, or it is written down before
 * (struct store_undo). And buckets, free list and counts follow from the items.
 *
 * Readers take no lock. A shard's version is odd while it is changed; a reader that finds it odd, or
 * changed after it has read, reads again, and after some turns takes the lock, so that a writer that
 * died halfway holds nobody up.
 *
 * When a shard is full, a hand goes over its cells in the order in which they were filled; what
 * was looked at since it passed last stays once more (the "clock" of Corbató, a second chance), and
 * the others go, the oldest first.
 *
 * Times are of the machine's monotonic clock, the same for all its processes.
 */
#ifndef NEAP_SHM_STORE_H
#define NEAP_SHM_STORE_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "shm/row_store.h"
#include "shm/store_tenant.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum { STORE_KEY_MAX = 65535, STORE_BYTES_MIN = 65536 };
/* cdef end */

#define STORE_BYTES_MAX (UINT64_C(1) << 36)

struct store {
	struct store_head *head;
	uint64_t bytes;
	uint64_t key[2];	      /* a copy of the head's */
	struct store_tenancy tenancy; /* of this process */
	uint32_t shards_n;
	struct store_shard shards[STORE_SHARDS_MAX];
	char *text; /* the last key or value that was read */
	size_t text_size;
};

/* Gives a new memfd this size, for ever, and lays a store out in it. bytes: STORE_BYTES_MIN or more. */
enum err store_lay_out(int fd, uint64_t bytes, struct error *e);

/* Maps it. The descriptor stays the caller's. ERR_INVALID: it is no store. */
enum err store_open(struct store **s, int fd, struct error *e);

/* One that no other process sees. */
enum err store_create(struct store **s, uint64_t bytes, struct error *e);

/* Takes NULL as well. */
void store_close(struct store *s);

/* Room for n bytes, filled up to whole words, in s->text. false: no memory. */
bool store_make_text(struct store *s, size_t n);

#endif
