/*
 * A service by its name, as metrics know it: found by the name's hash like counters, so that it is
 * the same row for every worker and generation. Its counts are in stats.h.
 */
#ifndef NEAP_SHM_ROW_SERVICE_H
#define NEAP_SHM_ROW_SERVICE_H

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_SERVICE_NAME_WORDS = 8 };

struct board_service {
	_Atomic uint64_t key; /* 0: free */
	_Atomic uint64_t name[BOARD_SERVICE_NAME_WORDS];
};

#endif
