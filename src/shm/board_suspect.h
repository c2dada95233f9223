/*
 * Suspects: a backend took a connection, and then the request on it failed. That may be the
 * backend's fault or the request's own. So it is only counted here, in a row over all workers; any
 * good answer ends the row. What follows is decided by the agent alone
 * (lua/neap/agent/suspects.lua), so that no two processes take out the last two backends at the
 * same moment.
 */
#ifndef NEAP_SHM_BOARD_SUSPECT_H
#define NEAP_SHM_BOARD_SUSPECT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cc.h"
#include "base/str.h"
#include "shm/board.h"

/* One more failure. The reason of the first one in the row is kept. Wake the agent afterwards. */
void board_suspect(struct board *b, int slot, struct str reason);

/* How many failures are in the row now; 0: it is no suspect. */
static inline uint32_t board_suspicion(const struct board *b, int slot)
{
	return atomic_load_explicit(&b->backends[slot].suspicion, memory_order_relaxed);
}

/* A good answer: the row is over. Called for each request; it writes only if there is a row. */
static inline void board_trust(struct board *b, int slot)
{
	if (unlikely(board_suspicion(b, slot) != 0))
		atomic_store_explicit(&b->backends[slot].suspicion, 0, memory_order_relaxed);
}

/* The reason of the row's first failure, zero terminated; its length. */
size_t board_suspicion_reason(const struct board *b, int slot, char *to, size_t size);

#endif
