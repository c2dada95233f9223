/*
 * May this request be sent again? The core's half of the decision (the other half, whether it
 * should be, is the policy's `failed` hook): RFC 9110 §9.2.2 and what is still in memory.
 */
#ifndef NEAP_EXCHANGE_RETRY_H
#define NEAP_EXCHANGE_RETRY_H

#include "exchange/request.h"

/*
 * Sending again cannot do harm, and everything is there to do it; no byte of an answer went out.
 * Whatever request it is, that holds as long as nothing of it was written to the backend. (That the
 * backend's kernel did not acknowledge it does not say that the backend has not read it.) So does it
 * of a gRPC call that ended at once with a status of retry.grpc_status: that is what the key is for.
 */
bool retry_is_safe(const struct request *rq);

/*
 * Once something of it is written it cannot be sent again. Asked before that, of a chosen pool.
 * is_kept_whole: all of its body is here, or what is still to come will be kept too.
 */
bool retry_has_one_try(const struct request *rq, bool is_kept_whole);

/* Another attempt is within retry.attempts. */
bool retry_attempt_is_left(const struct request *rq);

/*
 * Is there a backend that this request may still try? A look at the board, for answers that would
 * have to be thrown away.
 */
bool retry_candidate_is_left(const struct request *rq);

/* Remembers the slot as tried; false: no memory (then nothing more is tried). */
bool retry_remember(struct request *rq, int slot);

#endif
