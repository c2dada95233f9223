#include "exchange/deadline.h"

enum awaited deadline_awaited(const struct attempt *at)
{
	if (attempt_unsent(at) > 0 || at->body->is_complete)
		return AWAITED_TAKER;
	return at->body->expects ? AWAITED_ANSWER : AWAITED_CLIENT;
}

static struct timer_lane *lane_of(const struct request *rq, enum awaited awaited)
{
	if (awaited == AWAITED_ANSWER)
		return rq->lanes->response;
	return awaited == AWAITED_CLIENT ? rq->service->client_body : rq->lanes->stream_idle;
}

void deadline_arm(struct request *rq, enum awaited before, enum awaited now)
{
	bool is_same = now == before && now == AWAITED_ANSWER;
	if (now == AWAITED_NOBODY || (is_same && timer_runs(&rq->timer)))
		return;
	timer_start(&rq->timer, lane_of(rq, now));
}

enum attempt_outcome deadline_fail(struct attempt *at, enum awaited awaited)
{
	if (awaited == AWAITED_ANSWER)
		return attempt_fail(at, NEAP_STAGE_WAIT, NEAP_KIND_TIMEOUT, "no answer in time");
	return attempt_fail(at, NEAP_STAGE_SEND, NEAP_KIND_TIMEOUT, "took no more of the request");
}
