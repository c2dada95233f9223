/*
 * What is known of shadow policies (lua/neap/shadow): cells of one worker each, as in stats.h. They
 * begin anew with each generation, for another policy may be the shadow then.
 */
#ifndef NEAP_SHM_BOARD_SHADOW_H
#define NEAP_SHM_BOARD_SHADOW_H

#include <stdatomic.h>
#include <stdint.h>

struct board;

/* One worker's counts about the shadow of one pool. */
struct board_shadow {
	_Alignas(64) _Atomic uint64_t asked; /* errors included */
	_Atomic uint64_t agreed;	     /* it chose the backend that the request went to */
	_Atomic uint64_t none;		     /* it chose no backend */
	_Atomic uint64_t errors;
	_Atomic uint64_t ns;
};

/* Of the requests it was asked about and did not err: how many went to a backend, or would have. */
struct board_shadow_picks {
	_Atomic uint64_t real, shadow;
};

struct board_shadow_sum {
	uint64_t asked, agreed, none, errors, ns;
};

void board_shadow_totals(const struct board *b, int pool, struct board_shadow_sum *to);
void board_shadow_picked(const struct board *b, int slot, uint64_t *real, uint64_t *shadow);

#endif
