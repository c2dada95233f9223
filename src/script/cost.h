/*
 * What hooks cost, by hook, on the board. Calls are counted by Lua where it makes them
 * (neap_hook_calls), those of the agent by cost_count_call. Time is taken of some entries into Lua,
 * which stand for the others; of what follows a wait, and in the agent, of each.
 */
#ifndef NEAP_SCRIPT_COST_H
#define NEAP_SCRIPT_COST_H

#include "script/abi.h"

struct cost {
	/* Borrowed: where Lua is, and cost_factor: not 0 while time is taken. */
	neap_current *current;
	int64_t since_ns; /* what passed until then is charged already */
};

/* From here on time is the current hook's, as if it were so many times as long. */
void cost_begin(struct cost *c, uint32_t factor);
/* The entry is over. Nothing when none began. */
void cost_end(struct cost *c);
/* What passed so far is the current hook's; another one begins. */
void cost_next_hook(struct cost *c);
/* The hook that is the current one is called, outside of traffic. */
void cost_count_call(const struct cost *c);

#endif
