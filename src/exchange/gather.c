#include "exchange/gather.h"

#include "exchange/upload.h"

enum neap_body_state gather_look(struct attempt *at, uint32_t max)
{
	struct body *body = at->body;
	if (body->own != NULL)
		return body->own_n <= max ? NEAP_BODY_WHOLE : NEAP_BODY_LONG;
	if (body->keep == BODY_FLOWS)
		return NEAP_BODY_GONE;
	if (upload_is_too_large(at))
		return NEAP_BODY_REFUSED;
	if (upload_announced(at) > max)
		return NEAP_BODY_LONG;
	if (body->is_complete)
		return NEAP_BODY_WHOLE;
	return body_room(body) > 0 ? NEAP_BODY_WAITS : NEAP_BODY_LONG;
}

/* In the queue a request has a deadline already. */
static void start_timer(struct attempt *at)
{
	if (at->rq->queued_since_us == 0)
		timer_start(&at->rq->timer, at->rq->service->client_body);
}

void gather_begin(struct attempt *at, struct client *c, uint32_t max)
{
	struct body *body = at->body;
	body->asked = max;
	body->wanted = body->wanted > max ? body->wanted : max;
	at->rq->gathers_since_us = at->rq->plane->loop->now_us;
	if (body->expects)
		upload_go_on(at, c);
	start_timer(at);
	c->ops->want(c, true);
}

void gather_came(struct attempt *at)
{
	start_timer(at);
}

bool gather_is_over(struct attempt *at)
{
	struct request *rq = at->rq;
	if (gather_look(at, at->body->asked) == NEAP_BODY_WAITS)
		return false;
	rq->gathered_us += rq->plane->loop->now_us - rq->gathers_since_us;
	rq->gathers_since_us = 0;
	if (rq->queued_since_us == 0)
		timer_stop(&rq->timer);
	return true;
}

enum neap_body_set gather_replace(struct attempt *at, const char *bytes, uint32_t n)
{
	if (!at->rq->can_repeat || at->rq->holds_answer)
		return NEAP_BODY_SENT;
	if (!body_replace(at->body, bytes, n))
		return NEAP_BODY_NO_MEMORY;
	at->rq->has_own_body = true;
	at->rq->own_body_bytes = n;
	return NEAP_BODY_SET;
}
