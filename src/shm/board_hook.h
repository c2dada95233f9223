/*
 * What a hook of a service did lately, all workers together. A hook that fails too often is
 * tripped: it is left out for a while (BOARD_HOOK_TRIPPED_MS). Services go by their place in the
 * config.
 */
#ifndef NEAP_SHM_BOARD_HOOK_H
#define NEAP_SHM_BOARD_HOOK_H

#include <stdbool.h>
#include <stdint.h>

struct board;

/* Left out from now on, whatever it did before. */
void board_hook_leave_out(struct board *b, unsigned service, unsigned hook, int64_t now_ms);

/* An error of a hook now: true when it has just been tripped (five in ten seconds). */
bool board_hook_error(struct board *b, unsigned service, unsigned hook, int64_t now_ms);

/* Notes an error that must not trip it. */
void board_hook_count(struct board *b, unsigned service, unsigned hook);

/* It was ended by force (the fuse, or the death of its process): tripped, and counted as killed. */
void board_hook_trip(struct board *b, unsigned service, unsigned hook, int64_t now_ms);

/*
 * Is this hook tripped now? After 30 s one call is let through at a time (half open): success
 * un-trips it.
 */
bool board_hook_is_tripped(struct board *b, unsigned service, unsigned hook, int64_t now_ms);

/* The call that was let through went well: no longer tripped, and no error counts any more. */
void board_hook_ok_after_trip(struct board *b, unsigned service, unsigned hook);

/* The one that was let through did not call the hook after all: the next may. */
void board_hook_untried(struct board *b, unsigned service, unsigned hook);

#endif
