/*
 * A limit that several machines have in common (docs/limits.md says what it promises). Each keeps a
 * store, and decides by what is in it alone. An item says how far the key is ahead of its rate on
 * all machines, as far as this one knows (store_rate.h), and what was taken here that the others
 * were not told of yet: what it owes. The agent tells them in the background, and is told how far
 * ahead the key is by what all have taken.
 *
 * Until then the others may take at the same time. So what is taken counts as often here as there
 * are balancers that take of this key, until it is known what it really was: each has a lease of its
 * equal part of what was left, and of the rate. Who takes is heard when debts are settled; for a key
 * that is new here, or was not settled lately, it may be all. That needs nobody to go on: when the
 * agent is away, or what it talks to, each machine is left with its part.
 *
 * Any process takes; the agent collects what is owed, and settles it.
 */
#ifndef NEAP_SHM_STORE_LEASE_H
#define NEAP_SHM_STORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/store_all.h"
#include "shm/store_rate.h"

/*
 * From here on the limits in it are kept in common by so many balancers; 0: by this one alone. What
 * was not settled for so many tenths of a second is stale.
 */
void store_lease_share(const struct store *s, uint32_t balancers, uint32_t stale_ds);

/* How many; 0: they are this one's alone. */
static inline uint32_t store_lease_balancers(const struct store *s)
{
	return atomic_load_explicit(&s->head->balancers, memory_order_relaxed);
}

/* As store_take. */
enum store_result store_lease_take(const struct store *s, struct str key,
				   const struct store_rate *rate, struct store_taken *to);

/* What a key owes: how far it moves on by that. */
struct store_debt {
	struct str key; /* in s->text */
	int64_t owed_ns;
	double tolerance_us; /* of its limit, about */
};

/* Where one is among the items that owe, and how many cells may still be looked at now. */
struct store_round {
	struct store_cursor at;
	uint32_t cells;
};

/* Goes on where it stopped, or from the start. false: nothing is owed. */
bool store_lease_begin(const struct store *s, struct store_round *r, uint32_t cells);

/* The next one; it owes nothing any more. false: all were met, or so many cells were looked at. */
bool store_lease_next(struct store *s, struct store_round *r, struct store_debt *to);

/*
 * All machines together are that far ahead with this key, and so many take of it; what was taken here
 * since it was collected is added. STORE_NOT_FOUND: it is forgotten.
 */
enum store_result store_lease_settle(const struct store *s, struct str key, int64_t ahead_ns,
				     uint32_t takers);

#endif
