/*
 * What one worker counts about shadow policies (lua/neap/shadow).
 */
#ifndef NEAP_SHM_ROW_SHADOW_H
#define NEAP_SHM_ROW_SHADOW_H

#include <stdatomic.h>
#include <stdint.h>

/* One worker's counts about the shadow of one pool. */
struct board_shadow {
	_Alignas(64) _Atomic uint64_t asked; /* errors included */
	_Atomic uint64_t agreed;	     /* it chose the backend that the request went to */
	_Atomic uint64_t none;		     /* it chose no backend */
	_Atomic uint64_t errors;
	_Atomic uint64_t ns;
};

/* Where it was asked and did not err: how many requests went to a backend, or would have. */
struct board_shadow_picks {
	_Atomic uint64_t real, shadow;
};

#endif
