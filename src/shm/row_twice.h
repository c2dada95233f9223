/*
 * What one worker counts about requests that are sent twice: copies for a mirror, and
 * hedges. Changed by exchange/mirror.c and exchange/hedge.c.
 */
#ifndef NEAP_SHM_ROW_TWICE_H
#define NEAP_SHM_ROW_TWICE_H

#include <stdatomic.h>
#include <stdint.h>

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum board_twice_count {
	TWICE_MIRRORED, /* a copy was made */
	TWICE_ANSWERED, /* a copy got a whole answer */
	TWICE_FAILED,	/* a copy got none */
	TWICE_BODY,	/* no copy: the body was not kept */
	TWICE_FULL,	/* no copy: too many are under way */
	TWICE_WON,	/* a hedge was answered first */
	BOARD_TWICE_COUNTS
};
/* cdef end */

/* By the pool whose requests they are. */
struct board_twice {
	_Alignas(64) _Atomic uint64_t n[BOARD_TWICE_COUNTS];
};

#endif
