/*
 * Hedging: a request that waits too long for its answer gets a rival, which is an exchange too
 * (REQUEST_RIVAL), begins with `pick` and goes to another backend. Whose answer begins first wins; what
 * the rival has becomes the request's own then. (Dean and Barroso, The Tail at Scale, 2013.)
 *
 * Here is who may have a rival, and what passes between the two; when, and who makes it, is the
 * machine's business and hedge.h's.
 */
#ifndef NEAP_EXCHANGE_RIVALRY_H
#define NEAP_EXCHANGE_RIVALRY_H

#include "exchange/parts.h"

/* An attempt begins: the time of its pool's hedge begins, too, if the request may have one. */
void rivalry_begin_time(struct exchange *ex, void (*on_due)(struct timer *hedge));
void rivalry_end_time(struct exchange *ex);

/* The time is over. Does it get a rival, after all? Charges the pool's budget. */
bool rivalry_is_due(struct exchange *ex);

/*
 * The new rival's request becomes another one of the same: what hooks did, who asks, which backends it
 * tried. What its hooks enter (neap.concurrency) is held by ex. false: no memory; it is to be ended
 * all the same.
 */
bool rivalry_copy(struct exchange *rival, struct exchange *ex);

/* The rival won: its attempt, with the answer's head, is ex's from now on, whose own one is over. */
void rivalry_take_over(struct exchange *ex, struct exchange *rival);

/* The rival ends: what it did is told by ex. If it failed, its backend is not tried again. */
void rivalry_join(struct exchange *ex, struct exchange *rival);

/*
 * Its rival is over and has not won: what follows from its own attempt's failure, as it was decided
 * before? Of an answer that is held, the last one is passed on after all.
 */
enum choice rivalry_settle(const struct exchange *ex);

#endif
