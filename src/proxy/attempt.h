/*
 * One try on one backend: a connection taken or dialled, the request sent on it, and its end.
 * Counts `inflight` up and down. Only notes failures in the exchange (state FAILED); what follows
 * from them is the exchange's.
 */
#ifndef NEAP_PROXY_ATTEMPT_H
#define NEAP_PROXY_ATTEMPT_H

#include "proxy/state.h"

/*
 * Starts the attempt on view.slot: state CONNECT (dialling), SEND (connected, nothing sent yet),
 * FAILED, or PICK when another worker has taken the backend's last slot meanwhile.
 */
void attempt_begin(struct exchange *ex);

/* The dial ended: state SEND or FAILED. */
void attempt_connected(struct exchange *ex, bool connected);

/*
 * Sends what is there and not sent yet. When the whole request is out SEND becomes WAIT. A write
 * error only makes the attempt deaf: an answer may be there to be read all the same.
 */
void attempt_send(struct exchange *ex);

/* Bytes of the request that wait to be sent now. */
size_t attempt_unsent(const struct exchange *ex);

/* Gives the connection back (reuse) or closes it; inflight - 1. Harmless without an attempt. */
void attempt_end(struct exchange *ex, bool reuse);

/* The backend's part is done: its slot is free, though the client has not got everything yet. */
void attempt_free_slot(struct exchange *ex);

/*
 * An idle connection turned out dead before any byte of an answer and sending again is safe: the
 * same backend once more on a fresh connection. No attempt, no failure.
 */
bool attempt_may_replace(const struct exchange *ex);
void attempt_replace(struct exchange *ex);

/* Everything of the request is to be sent again from its first byte (it is whole in memory). */
void attempt_rewind(struct exchange *ex);

/* The head of a final answer came (0: a connection stands); for pools that eject outliers. */
void attempt_answered(struct exchange *ex, unsigned status);

/* It failed, as failures of the backend are counted: also by an answer that is passed on. */
void attempt_count_failure(const struct exchange *ex);

/*
 * Ends the attempt as failed: fills ex->failure, counts it, state FAILED. message: words for the
 * log.
 */
void attempt_fail(struct exchange *ex, enum neap_stage stage, enum neap_kind kind,
		  const char *message);
/*
 * The same, with errno's words; kind from errno (refused, timeout, reset). Where we could not even
 * try (no descriptor, no memory) the answer is 503 at once: state RELAY or END.
 */
void attempt_fail_sys(struct exchange *ex, enum neap_stage stage, int sys);

#endif
