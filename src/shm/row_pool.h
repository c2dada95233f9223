/*
 * The row of a pool. Changed by board_pool.c; its version grows with each change of a backend, too.
 */
#ifndef NEAP_SHM_ROW_POOL_H
#define NEAP_SHM_ROW_POOL_H

#include <stdatomic.h>
#include <stdint.h>

struct board_pool {
	_Atomic uint32_t used;
	_Atomic uint32_t version; /* grows with each change of members, state, weight, addresses */
	_Atomic uint32_t list_version; /* which copy of the member list is current */
	_Atomic uint64_t
		waiters; /* bit w: requests of worker w wait for a free slot (board_queue) */
	_Atomic int32_t first[2];
	_Atomic uint32_t count[2];
	_Atomic uint32_t has_served; /* 1: it had members, here or in the generation before */
	_Atomic uint32_t outliers;  /* grows when a backend's streak gets as long as `eject` says */
	_Atomic uint32_t suspected; /* grows with each failure that makes a backend suspect */
	_Atomic uint32_t panics;    /* 1: too few are up, so all are used */
	char name[64];		    /* written once, before `used` */
};

#endif
