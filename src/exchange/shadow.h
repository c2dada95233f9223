/*
 * The shadow of a pool: a policy that is asked about real requests too, and whose answers are only
 * compared (lua/neap/shadow). It gets a copy of the request's view, once the request is on its way
 * to the backend that the real policy chose, and what comes of it is counted on the board.
 */
#ifndef NEAP_EXCHANGE_SHADOW_H
#define NEAP_EXCHANGE_SHADOW_H

#include "exchange/request.h"

/* Bytes of it went to its backend, or its connection stands, and it is in flight there. */
void shadow_ask(struct request *rq);

#endif
