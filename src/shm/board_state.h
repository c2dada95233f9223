/*
 * The state of a backend, since when, and why; its latency. Anyone may change them, the state by
 * compare-and-swap.
 */
#ifndef NEAP_SHM_BOARD_STATE_H
#define NEAP_SHM_BOARD_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "shm/board.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum board_state { STATE_UNKNOWN, STATE_UP, STATE_DOWN, STATE_DRAIN, STATE_EJECTED };
/* cdef end */

/* In the words that policies see: "unknown", "up", … */
const char *board_state_word(enum board_state s);

static inline enum board_state board_state(const struct board *b, int slot)
{
	return (enum board_state)(
		atomic_load_explicit(&b->backends[slot].state, memory_order_acquire) & 0xff);
}

/* Wall-clock milliseconds since when it is in this state. */
static inline int64_t board_state_since_ms(const struct board *b, int slot)
{
	return (int64_t)(atomic_load_explicit(&b->backends[slot].state, memory_order_acquire) >> 8);
}

/* The reason of the state, zero terminated, into to[size]; returns its length. */
size_t board_reason(const struct board *b, int slot, char *to, size_t size);

/*
 * Changes the state; true when this call did it (false: it was in that state already). Sets since
 * and reason, bumps the pool's version.
 */
bool board_set_state(struct board *b, int slot, enum board_state to, struct str reason,
		     int64_t wall_ms);

/*
 * A request found it dead: it is down, and to be checked again soon. Only from UNKNOWN and UP: a
 * backend that drains or is ejected stays so.
 */
bool board_mark_down(struct board *b, int slot, struct str reason, int64_t wall_ms);

/*
 * Out of service until then (wall clock); a new time replaces the old one. The agent brings it
 * back.
 */
bool board_eject(struct board *b, int slot, int64_t until_ms, struct str reason, int64_t wall_ms);

/* The verdict of a check: to UP or DOWN, and only from UNKNOWN, UP and DOWN. */
bool board_set_checked(struct board *b, int slot, bool is_up, struct str reason, int64_t wall_ms);

/*
 * A person's word: it stays in that state whatever checks, requests and policies say, over reloads
 * too. BOARD_NONE ends that; it is unknown then. False: nothing changed.
 */
bool board_pin(struct board *b, int slot, int state, struct str reason, int64_t wall_ms);

/* 1 + the state that a person gave it; 0: none did. */
static inline uint32_t board_pinned(const struct board *b, int slot)
{
	return atomic_load_explicit(&b->backends[slot].pinned, memory_order_acquire);
}

/* The latency to the first byte: a moving average with weight 1/8 for the new value. */
void board_latency(struct board *b, int slot, uint32_t us);

#endif
