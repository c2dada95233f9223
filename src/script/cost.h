/*
 * What hooks cost, by hook. Calls are counted by Lua where it makes them (neap_hook_calls), those
 * of the agent by neap_hook_enter. Time is taken of some entries into Lua, which stand for the
 * others; of what follows a wait, and in the agent, of each.
 */
#ifndef NEAP_SCRIPT_COST_H
#define NEAP_SCRIPT_COST_H

#include "script/state.h"

/* From here on time is the current hook's, as if it were so many times as long. */
void cost_begin(struct vm *vm, uint32_t factor);
/* The entry is over. Nothing when none began. */
void cost_end(struct vm *vm);

#endif
