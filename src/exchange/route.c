#include "exchange/route.h"

#include <stdlib.h>

/* The settings of the chosen pool, with what the hooks changed. */
struct route {
	struct pool_lanes lanes;
	struct conf_pool pool;
};

enum { TOTAL = 1U << NEAP_ROUTE_REQUEST, LIMITS = 1U << NEAP_ROUTE_BODY_BYTES };

static bool has(const neap_route *set, enum neap_route_key key)
{
	return (set->set & 1U << key) != 0;
}

/*
 * Two significant digits, rounded up: a policy that computes its durations makes no more than 90
 * lanes for each power of ten.
 */
static uint32_t rounded(uint32_t ms)
{
	uint64_t unit = 1;
	while (ms / unit >= 100)
		unit *= 10;
	return (uint32_t)((ms + unit - 1) / unit * unit);
}

/* *to stays as it is where the hooks set nothing, or where there is no memory for a lane. */
static bool set_lane(struct request *rq, enum neap_route_key key, struct timer_lane **to)
{
	const neap_route *set = rq->view.route;
	if (!has(set, key))
		return true;
	uint32_t ms = (uint32_t)set->values[key];
	*to = ms == 0 ? NULL : timers_lane(rq->plane->timers, rounded(ms));
	return ms == 0 || *to != NULL;
}

static void set_retry(const neap_route *set, struct conf_pool *pool)
{
	if (has(set, NEAP_ROUTE_ATTEMPTS))
		pool->retry.attempts = (uint32_t)set->values[NEAP_ROUTE_ATTEMPTS];
	if (has(set, NEAP_ROUTE_UNSAFE))
		pool->retry.unsafe = set->values[NEAP_ROUTE_UNSAFE] != 0;
	if (has(set, NEAP_ROUTE_STATUS))
		memcpy(pool->retry.status, set->status, sizeof(pool->retry.status));
}

_Static_assert(sizeof(((neap_route *)0)->status) == sizeof(((struct conf_pool *)0)->retry.status),
	       "one bit a status");

bool route_take(struct request *rq)
{
	const neap_route *set = rq->view.route;
	if ((set->set & ~((uint32_t)TOTAL | LIMITS)) == 0)
		return true;
	if (rq->route == NULL)
		rq->route = malloc(sizeof(*rq->route));
	if (rq->route == NULL)
		return false;
	*rq->route = (struct route){ .lanes = *rq->lanes, .pool = *rq->pool };
	rq->lanes = &rq->route->lanes;
	rq->pool = &rq->route->pool;
	set_retry(set, &rq->route->pool);
	return set_lane(rq, NEAP_ROUTE_CONNECT, &rq->route->lanes.connect) &&
	       set_lane(rq, NEAP_ROUTE_RESPONSE, &rq->route->lanes.response) &&
	       set_lane(rq, NEAP_ROUTE_ATTEMPT, &rq->route->lanes.attempt) &&
	       set_lane(rq, NEAP_ROUTE_STREAM_IDLE, &rq->route->lanes.stream_idle);
}

/* The client of a gRPC call has said how long it waits: that holds in any case. */
static int64_t total_ms(const struct request *rq, int64_t ms)
{
	int64_t client_ms = (int64_t)((rq->timeout_us + 999) / 1000);
	if (client_ms == 0)
		return ms;
	return ms == 0 || client_ms < ms ? client_ms : ms;
}

void route_settle(struct neap_request *view)
{
	struct request *rq = container_of(view, struct request, view);
	const neap_route *set = rq->view.route;
	if (has(set, NEAP_ROUTE_REQUEST))
		request_move_total(rq, total_ms(rq, set->values[NEAP_ROUTE_REQUEST]));
}

void route_end(struct request *rq)
{
	if (likely(rq->route == NULL))
		return;
	free(rq->route);
	rq->route = NULL;
}
