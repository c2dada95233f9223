/*
 * Counts of requests that were sent twice (row_twice.h).
 */
#ifndef NEAP_SHM_BOARD_TWICE_H
#define NEAP_SHM_BOARD_TWICE_H

#include "shm/row_twice.h"

struct board;

void board_twice_add(struct board *b, unsigned worker, int pool, enum board_twice_count what);

/* Over all workers, with those of earlier generations. */
uint64_t board_twice_total(const struct board *b, int pool, enum board_twice_count what);

#endif
