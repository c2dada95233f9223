/*
 * What is known of shadow policies (lua/neap/shadow). It begins anew with each generation, since
 * another policy may be the shadow then.
 */
#ifndef NEAP_SHM_BOARD_SHADOW_H
#define NEAP_SHM_BOARD_SHADOW_H

#include <stdint.h>

struct board;

struct board_shadow_sum {
	uint64_t asked, agreed, none, errors, ns;
};

/* Over all workers. */
void board_shadow_totals(const struct board *b, int pool, struct board_shadow_sum *to);
void board_shadow_picked(const struct board *b, int slot, uint64_t *real, uint64_t *shadow);

#endif
