/*
 * What hooks set for one request (request:limits, request:timeouts, request:retry) in place of its
 * service's and pool's settings. A request without any has one branch for it. Owned by its request.
 */
#ifndef NEAP_EXCHANGE_ROUTE_H
#define NEAP_EXCHANGE_ROUTE_H

#include "exchange/request.h"
#include "script/abi_route.h"

/* The most that its body may have; 0: no limit. */
static inline uint64_t route_body_bytes(const struct request *rq)
{
	const neap_route *set = rq->view.route;
	if (unlikely(set != NULL) && (set->set & 1U << NEAP_ROUTE_BODY_BYTES) != 0)
		return (uint64_t)set->values[NEAP_ROUTE_BODY_BYTES];
	return rq->service->conf->limits.body_bytes;
}

/* Hooks have set something (view->route): the deadline of the whole request is moved to it. */
void route_settle(struct neap_request *view);

/* A backend was chosen, and rq->pool and rq->lanes are its pool's: they become the request's own.
 * false: no memory. */
bool route_take(struct request *rq);

void route_end(struct request *rq); /* harmless when there is none */

#endif
