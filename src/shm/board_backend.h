/*
 * A backend's slot, and what the agent says of it. Written by the agent alone.
 */
#ifndef NEAP_SHM_BOARD_BACKEND_H
#define NEAP_SHM_BOARD_BACKEND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "shm/board.h"
#include "shm/board_state.h"

/* What a pool says of one of its backends. */
struct board_member {
	struct board_text text;
	uint32_t weight, slots; /* slots 0: no limit */
	int32_t tier;
};

/*
 * Makes the backend of this pool and name (text.name) what m says: a new one in the state
 * `initial`, or the one that is there, which keeps its state and counts. It keeps its addresses,
 * too, when m has none and names the same host and port. Does not touch the list of members.
 * Returns the slot; BOARD_NONE: the board is full.
 */
int board_backend_publish(struct board *b, int pool, const struct board_member *m,
			  enum board_state initial);

/* The slot of that backend, member or not; BOARD_NONE: there is none. */
int board_backend_find(const struct board *b, int pool, struct str name);

/* Only the addresses of a backend changed (DNS). true: they differ from those before. */
bool board_backend_set_addrs(struct board *b, int slot, const struct board_addr *addrs,
			     unsigned count);

/* Until it is published with another one. false: it has this weight already. */
bool board_backend_set_weight(struct board *b, int slot, uint32_t weight);

/*
 * Frees the slots that are in no list and had nothing in flight for 60 s. To be called now and
 * then; now_ms is of a clock that only grows.
 */
void board_reclaim(struct board *b, int64_t now_ms);

/* A handle of a backend is (slot, epoch): another epoch, another backend. */
static inline uint32_t board_epoch(const struct board *b, int slot)
{
	return atomic_load_explicit(&b->backends[slot].epoch, memory_order_acquire);
}

/* A consistent copy of a backend's text. false: the slot is not (or no longer) of that epoch. */
bool board_backend_text(const struct board *b, int slot, uint32_t epoch, struct board_text *to);

#endif
