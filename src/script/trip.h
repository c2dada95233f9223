/*
 * What follows from an error of a hook: it is logged and counted on the board, and too many trip
 * the hook. A tripped hook is left out. Later one request at a time tries it (half open), and the
 * trip is over once the hook itself ran well.
 */
#ifndef NEAP_SCRIPT_TRIP_H
#define NEAP_SCRIPT_TRIP_H

#include "script/hooks.h"

/* Which of the wanted hooks (bits of enum hook_id) are tripped. *trying: see trip_look. */
uint32_t trip_find(const struct hooks *h, uint32_t wanted, uint32_t *trying);

/*
 * Which hooks of the entry, apart from those in SKIP, are tripped, as bits of enum hook_id: almost
 * always none, for a load each. *trying: tripped ones that this call is to try; trip_settle must
 * follow.
 */
static inline uint32_t trip_look(const struct hooks *h, enum entry entry, uint32_t skip,
				 uint32_t *trying)
{
	uint32_t wanted = hooks_called[entry] & h->have & ~skip;
	*trying = 0;
	for (uint32_t left = wanted; left != 0; left &= left - 1) {
		if (unlikely(atomic_load_explicit(&h->rows[__builtin_ctz(left)].tripped_until_ms,
						  memory_order_relaxed) != 0))
			return trip_find(h, wanted, trying);
	}
	return 0;
}

/*
 * The call is over. Hooks that it was to try and that are in RAN did well; the next call may try
 * the others.
 */
void trip_settle(struct hooks *h, uint32_t trying, uint32_t ran);

/* Is a request refused when that hook fails? */
bool trip_refuses(const struct hooks *h, unsigned id);

/* Counts and logs an error of a hook: WHY, or (NULL) the one on co's stack. */
void trip_report(struct hooks *h, struct co *co, unsigned id, const char *why);

/* For the request's story. */
void trip_tell_error(struct hooks *h, struct co *co, unsigned id, const char *why,
		     bool has_default_failed);
void trip_tell_left_out(const struct hooks *h, neap_request *r, uint32_t left_out);

#endif
