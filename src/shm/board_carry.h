/*
 * What a generation leaves to the next one, each with a board of its own.
 */
#ifndef NEAP_SHM_BOARD_CARRY_H
#define NEAP_SHM_BOARD_CARRY_H

#include <stdbool.h>

#include "base/str.h"

struct board;

/*
 * In the agent, while it publishes for the first time: brings the backend of this identity over as
 * FROM has it, with its addresses and state, as a member of no list. Its slot, also when b had it
 * already; BOARD_NONE: neither has it.
 */
int board_inherit(struct board *b, int pool, struct str name, const struct board *from);

/*
 * In the master: adds to b what was counted on FROM since the last time: requests, failures, the
 * counters of policies. A gauge is taken as it is, and only when IS_FIRST. When it is not, FROM has
 * ended: its last failed stories come too.
 */
void board_take(struct board *b, struct board *from, bool is_first);

/*
 * In the master, now and then while generations drain: b sees what they have in flight, and they
 * see the states that b knows.
 */
void board_share(struct board *b, struct board *const *draining, unsigned count);

#endif
