/*
 * The memfds of stores (shm/store.h), by name. Each generation has descriptors of its own; those of
 * one name and size lead to the same memory, so that what is in it goes on from one generation to
 * the next, and by handover.h to another binary. In the master, which makes them and never looks inside.
 */
#ifndef NEAP_FLEET_STORES_H
#define NEAP_FLEET_STORES_H

#include "base/err.h"
#include "shm/board_plan.h"

struct store_keep {
	char name[sizeof(((struct board_plan_store *)0)->name)];
	uint64_t bytes;
	int fd;
	int before; /* of that name in the generation before, but of another size; -1: none */
};

/* In the plan's order. */
struct store_set {
	unsigned n;
	struct store_keep rows[BOARD_STORES_MAX];
};

/* Fills `to` with what the plan names: from `from` (NULL: nothing) where it is there, else new. */
enum err stores_claim(struct store_set *to, const struct board_plan *p,
		      const struct store_set *from, struct error *e);

/* Their descriptors, in order. */
void stores_list(const struct store_set *s, int to[BOARD_STORES_MAX]);

/* What was in those of another size has been copied. */
void stores_forget_before(struct store_set *s);

void stores_close(struct store_set *s);

#endif
