/*
 * May this request be sent again? The core's half of the decision (the other half, whether it
 * should be, is the policy's `failed` hook): RFC 9110 §9.2.2 and what is still in memory.
 */
#ifndef NEAP_PROXY_RETRY_H
#define NEAP_PROXY_RETRY_H

#include "proxy/state.h"

/*
 * Nothing of this attempt reached the backend's hands: the request can be sent again whatever it
 * is.
 */
bool retry_nothing_taken(const struct exchange *ex);

/*
 * Sending again cannot do harm, and everything is there to do it; no byte of a final answer went
 * out.
 */
bool retry_is_safe(const struct exchange *ex);

/* Another attempt is within retry.attempts. */
bool retry_attempt_is_left(const struct exchange *ex);

/*
 * Is there a backend that this request may still try? A look at the board, for answers that would
 * have to be thrown away.
 */
bool retry_candidate_is_left(const struct exchange *ex);

/* For the retry budget: the first attempt of a request begins. */
void retry_count_request(const struct exchange *ex);

/*
 * Does the pool's retry budget allow another attempt? Charges it. Always, where there is none, and
 * where nothing of the request was sent: that is no load on anyone.
 */
bool retry_is_affordable(const struct exchange *ex);

/* Remembers the slot as tried; false: no memory (then nothing more is tried). */
bool retry_remember(struct exchange *ex, int slot);

#endif
