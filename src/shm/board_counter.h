/*
 * Counters of policies, known by their name to all processes.
 */
#ifndef NEAP_SHM_BOARD_COUNTER_H
#define NEAP_SHM_BOARD_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct board;

/*
 * The counter of that name (made if need be), NULL when all are taken. Names: "<pool>\x1f<name>".
 */
_Atomic uint64_t *board_counter(struct board *b, struct str name);

/* The same where the key is known and the name may be cut. */
_Atomic uint64_t *board_counter_by_key(struct board *b, uint64_t key, struct str name);

/* Adds to it and returns the value before: no two callers of any process get the same turn. */
uint64_t board_counter_add(_Atomic uint64_t *cell, uint64_t n);

/*
 * The i-th cell, i < BOARD_COUNTERS_MAX, with its name (zero terminated); false: not in use. For
 * metrics.
 */
bool board_counter_at(const struct board *b, unsigned i, char *name, size_t size, uint64_t *value);

#endif
