/*
 * May a backend get new requests? The one rule, for picks, retries, queues, stories and the share
 * that is up. lua/neap/runtime/serve.lua reads the same rows by the same rule.
 */
#ifndef NEAP_SHM_BOARD_SERVE_H
#define NEAP_SHM_BOARD_SERVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cc.h"
#include "shm/board.h"
#include "shm/board_cell.h"
#include "shm/board_state.h"

/* How a pool serves now. tier is known only in a panic: the tier in use, the only one it is for. */
struct board_serving {
	bool panics;
	int32_t tier;
};

/* As the agent said last (board.pools[].panics). */
struct board_serving board_serving(const struct board *b, int pool);

/*
 * The tier in use, which is the lowest that has a backend up (or unknown), or else the lowest of
 * all, and how many of its backends are up. Those that drain or weigh nothing do not count.
 */
struct board_share {
	int32_t tier;
	uint32_t up, of;
};

void board_pool_share(const struct board *b, int pool, struct board_share *to);

/* Lower numbers are used first. */
static inline int32_t board_tier(const struct board *b, int slot)
{
	return atomic_load_explicit(&b->backends[slot].tier, memory_order_relaxed);
}

/* One without weight gets no new requests. */
static inline bool board_has_weight(const struct board *b, int slot)
{
	return atomic_load_explicit(&b->backends[slot].weight, memory_order_relaxed) > 0;
}

/* Up, as far as anybody knows. */
static inline bool board_is_live(const struct board *b, int slot)
{
	enum board_state state = board_state(b, slot);
	return state == STATE_UP || state == STATE_UNKNOWN;
}

/* In a panic backends that are down or ejected get requests, too; those that drain never do. */
static inline bool board_state_serves(const struct board *b, int slot,
				      const struct board_serving *s)
{
	if (likely(board_is_live(b, slot)))
		return true;
	return s->panics && board_state(b, slot) != STATE_DRAIN && board_tier(b, slot) == s->tier;
}

/* Its free slots are not looked at. */
static inline bool board_may_serve(const struct board *b, int slot, const struct board_serving *s)
{
	return board_state_serves(b, slot, s) && board_has_weight(b, slot);
}

/* Has it a free slot? */
static inline bool board_has_room(const struct board *b, int slot)
{
	uint32_t slots = atomic_load_explicit(&b->backends[slot].slots, memory_order_relaxed);
	return slots == 0 || board_inflight(b, slot) < slots;
}

#endif
