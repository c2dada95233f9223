/*
 * The shadow of a pool: a policy that is asked about real requests too, and whose answers are only
 * compared (lua/neap/shadow). It gets a copy of the request's view, once the request is on its way
 * to the backend that the real policy chose, and what comes of it is counted on the board.
 */
#ifndef NEAP_PROXY_SHADOW_H
#define NEAP_PROXY_SHADOW_H

#include "base/cc.h"
#include "proxy/state.h"

void shadow_ask(struct exchange *ex);

/* Bytes of it went to its backend, or its connection stands. */
static inline void shadow_on_sent(struct exchange *ex)
{
	if (unlikely(ex->at.pool->has_shadow))
		shadow_ask(ex);
}

#endif
