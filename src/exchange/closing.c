#include "exchange/closing.h"

#include <stdlib.h>

#include "exchange/access.h"
#include "exchange/queue.h"
#include "exchange/route.h"
#include "exchange/switch.h"

void closing_end(struct relay *r, struct pump *pump)
{
	struct attempt *at = r->at;
	struct request *rq = at->rq;
	queue_leave(rq, QUEUE_LEFT);
	timer_stop(&rq->timer);
	timer_stop(&rq->total);
	rq->bytes += r->out.sent;
	if (unlikely(pump != NULL)) {
		rq->bytes = pump->down.bytes;
		switch_end(pump);
	}
	attempt_end(at, ATTEMPT_CLOSE);
	leg_drop(&at->leg);
	relay_fini(r);
	pipe_put(&rq->plane->pipes, at->body->pipe);
	pipe_put(&rq->plane->pipes, r->out.pipe);
	body_fini(at->body);
	access_end(rq);
	if (unlikely(rq->tried != NULL))
		free(rq->tried);
	route_end(rq);
}
