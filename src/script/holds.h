/*
 * What requests hold in stores (shm/store_hold.h): where they were let in, and leave when they end.
 * One process, one thread.
 */
#ifndef NEAP_SCRIPT_HOLDS_H
#define NEAP_SCRIPT_HOLDS_H

#include "base/slab.h"
#include "shm/store_hold.h"

enum { HOLDS_MAX = 1 << 17, HOLD_KEY_MAX = 102 };

/* One of a request's. */
struct hold {
	struct hold *next;
	struct slab *slab;
	struct store *store;
	uint16_t key_n;
	char key[HOLD_KEY_MAX];
};

struct holds {
	struct slab slab;
};

void holds_init(struct holds *h);
void holds_fini(struct holds *h);

/*
 * The request enters, once: if it is in there already, that is well. key: at most HOLD_KEY_MAX
 * bytes. Results as store_enter's; STORE_FULL: also when all requests hold too much.
 */
enum store_result holds_enter(struct holds *h, void **of, struct store *s, struct str key,
			      uint32_t limit);

/* It leaves before its end. STORE_NOT_FOUND: it is not in there. */
enum store_result holds_leave(void **of, const struct store *s, struct str key);

/* It is over: it leaves wherever it is. */
void holds_end(void **of);

#endif
