/*
 * Pools and the lists of their members. Written by the agent alone.
 */
#ifndef NEAP_SHM_BOARD_POOL_H
#define NEAP_SHM_BOARD_POOL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/str.h"
#include "shm/board.h"

/*
 * The pool of that name, made if it is not there; BOARD_NONE when the board is full or the name too
 * long or empty.
 */
int board_pool_publish(struct board *b, struct str name);

/* BOARD_NONE: there is none. */
int board_pool_find(const struct board *b, struct str name);

/*
 * The pool's members are exactly these slots, in this order. A slot given twice counts once. Slots
 * that are no longer members are freed later (board_reclaim).
 */
void board_pool_set_members(struct board *b, int pool, const int32_t *slots, unsigned count);

/* The slots of a pool, in order, into to[max]; returns how many there are (may exceed max). */
unsigned board_pool_members(const struct board *b, int pool, int32_t *to, unsigned max);

/* Grows with each change of members, state, weight, addresses. */
static inline uint32_t board_pool_version(const struct board *b, int pool)
{
	return atomic_load_explicit(&b->pools[pool].version, memory_order_acquire);
}

#endif
