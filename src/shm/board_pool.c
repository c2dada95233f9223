#include "shm/board_pool.h"

#include <stdbool.h>

int board_pool_find(const struct board *b, struct str name)
{
	for (int i = 0; i < BOARD_POOLS_MAX; i++) {
		const struct board_pool *p = &b->pools[i];
		if (atomic_load_explicit(&p->used, memory_order_acquire) == 0)
			break;
		if (str_eq(str_of(p->name), name))
			return i;
	}
	return BOARD_NONE;
}

int board_pool_publish(struct board *b, struct str name)
{
	int found = board_pool_find(b, name);
	if (found != BOARD_NONE || name.n == 0)
		return found;
	for (int i = 0; i < BOARD_POOLS_MAX; i++) {
		struct board_pool *p = &b->pools[i];
		if (atomic_load_explicit(&p->used, memory_order_relaxed) != 0)
			continue;
		if (!str_copy(p->name, sizeof p->name, name))
			return BOARD_NONE;
		atomic_store_explicit(&p->used, 1, memory_order_release);
		return i;
	}
	return BOARD_NONE;
}

/*
 * Walks copy `half` of the list; the result counts only if the version is still the same
 * afterwards.
 */
static unsigned walk_list(const struct board *b, int pool, unsigned half, int32_t *to, unsigned max)
{
	const struct board_pool *p = &b->pools[pool];
	uint32_t count = atomic_load_explicit(&p->count[half], memory_order_relaxed);
	int32_t slot = atomic_load_explicit(&p->first[half], memory_order_relaxed);
	for (uint32_t i = 0; i < count && i < max; i++) {
		if (slot < 0 || slot >= BOARD_BACKENDS_MAX)
			return i;
		to[i] = slot;
		slot = atomic_load_explicit(&b->backends[slot].next[half], memory_order_relaxed);
	}
	return count;
}

unsigned board_pool_members(const struct board *b, int pool, int32_t *to, unsigned max)
{
	const struct board_pool *p = &b->pools[pool];
	unsigned count;
	uint32_t before = atomic_load_explicit(&p->list_version, memory_order_acquire), after;
	for (;;) {
		count = walk_list(b, pool, before & 1, to, max);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&p->list_version, memory_order_relaxed);
		if (after == before)
			return count;
		before = atomic_load_explicit(&p->list_version, memory_order_acquire);
	}
}

static bool has_list(const struct board *b, int pool, const int32_t *slots, unsigned count)
{
	const struct board_pool *p = &b->pools[pool];
	unsigned half = atomic_load_explicit(&p->list_version, memory_order_relaxed) & 1;
	if (atomic_load_explicit(&p->count[half], memory_order_relaxed) != count)
		return false;
	int32_t at = atomic_load_explicit(&p->first[half], memory_order_relaxed);
	for (unsigned i = 0; i < count; i++) {
		if (at != slots[i])
			return false;
		at = atomic_load_explicit(&b->backends[at].next[half], memory_order_relaxed);
	}
	return true;
}

/* Links the slots into copy `half`; a slot given twice counts once. Returns how many there are. */
static uint32_t link_slots(struct board *b, int pool, uint32_t version, const int32_t *slots,
			   unsigned count)
{
	_Atomic int32_t *link = &b->pools[pool].first[version & 1];
	uint32_t linked = 0;
	for (unsigned i = 0; i < count; i++) {
		struct board_backend *backend = &b->backends[slots[i]];
		if (atomic_load_explicit(&backend->member, memory_order_relaxed) == version)
			continue;
		atomic_store_explicit(&backend->member, version, memory_order_relaxed);
		atomic_store_explicit(&backend->idle_since_ms, 0, memory_order_relaxed);
		atomic_store_explicit(link, slots[i], memory_order_relaxed);
		link = &backend->next[version & 1];
		linked++;
	}
	atomic_store_explicit(link, BOARD_NONE, memory_order_relaxed);
	return linked;
}

/* A writer that died may have left the next version on some slots. */
static void forget_version(struct board *b, int pool, uint32_t version)
{
	int32_t slots = atomic_load_explicit(&b->slots_used, memory_order_relaxed);
	for (int32_t slot = 0; slot < slots; slot++) {
		struct board_backend *backend = &b->backends[slot];
		if (atomic_load_explicit(&backend->pool, memory_order_relaxed) == pool &&
		    atomic_load_explicit(&backend->member, memory_order_relaxed) == version)
			atomic_store_explicit(&backend->member, 0, memory_order_relaxed);
	}
}

void board_pool_set_members(struct board *b, int pool, const int32_t *slots, unsigned count)
{
	struct board_pool *p = &b->pools[pool];
	uint32_t version = atomic_load_explicit(&p->list_version, memory_order_relaxed);
	if (version != 0 && has_list(b, pool, slots, count))
		return;
	version++;
	version += version == 0 ? 2
				: 0; /* 0: never in a list; the lowest bit must keep alternating */
	forget_version(b, pool, version);
	atomic_thread_fence(
		memory_order_release); /* a reader of the links below sees the version above */
	uint32_t linked = link_slots(b, pool, version, slots, count);
	atomic_store_explicit(&p->count[version & 1], linked, memory_order_relaxed);
	if (linked > 0)
		atomic_store_explicit(&p->has_served, 1, memory_order_relaxed);
	atomic_store_explicit(&p->list_version, version, memory_order_release);
	atomic_fetch_add_explicit(&p->version, 1, memory_order_release);
}
