#include "exchange/request.h"

enum { FAILURES_MAX = 16 }; /* in one turn of the loop */

/* Is it the time that hooks know, or one of the steps up to it? */
static bool total_is_over(struct request *rq)
{
	int64_t left_ms = rq->view.deadline_ms - loop_now_ms(rq->plane->loop);
	if (left_ms <= 0)
		return true;
	timer_start(&rq->total, timers_step(rq->plane->timers, left_ms));
	return false;
}

static void on_total_due(struct timer *total)
{
	struct request *rq = container_of(total, struct request, total);
	if (total_is_over(rq))
		rq->owner->on_total_due(total);
}

void request_init(struct request *rq, struct plane *p, struct service *s,
		  const struct request_owner *owner, const struct peer *peer, struct buf *block,
		  struct http_field *fields)
{
	memset(rq, 0, offsetof(struct request, head));
	rq->plane = p;
	rq->service = s;
	rq->owner = owner;
	rq->peer = peer;
	rq->block = block;
	rq->can_repeat = rq->is_untouched = true;
	rq->grpc_status = GRPC_NONE;
	rq->reason = "";
	rq->connect_us = -1;
	rq->started_us = p->loop->now_us;
	list_init(&rq->queue_node);
	timer_init(&rq->timer, owner->on_due);
	timer_init(&rq->total, on_total_due);
	h1_head_init(&rq->head, false, fields, &s->limits);
	if (s->conf->is_tcp)
		rq->view = (struct neap_request){ .is_tcp = 1, .is_udp = s->conf->is_udp };
	else
		rq->view.is_tcp = rq->view.secure = 0;
	rq->view.outer_tls = NULL;
	hook_request_init(&rq->view);
	rq->view.id = 0;
	rq->view.slot = -1;
}

void request_start_total(struct request *rq)
{
	uint32_t ms = rq->service->conf->timeouts.request;
	if (ms == 0)
		return;
	timer_start(&rq->total, rq->service->request);
	rq->view.deadline_ms = rq->started_us / 1000 + ms;
}

void request_bound_total(struct request *rq, int64_t ms)
{
	int64_t deadline_ms = rq->started_us / 1000 + ms;
	if (rq->view.deadline_ms != 0 && rq->view.deadline_ms <= deadline_ms)
		return;
	rq->view.deadline_ms = deadline_ms;
	timer_start(&rq->total, timers_step(rq->plane->timers, ms));
}

void request_move_total(struct request *rq, int64_t ms)
{
	int64_t deadline_ms = ms == 0 ? 0 : rq->started_us / 1000 + ms;
	if (rq->view.deadline_ms == deadline_ms)
		return;
	rq->view.deadline_ms = deadline_ms;
	if (ms == 0) {
		timer_stop(&rq->total);
		return;
	}
	int64_t left_ms = deadline_ms - loop_now_ms(rq->plane->loop);
	timer_start(&rq->total, timers_step(rq->plane->timers, left_ms > 0 ? left_ms : 1));
}

bool request_must_rest(struct request *rq, unsigned *failures)
{
	if (++*failures <= FAILURES_MAX)
		return false;
	timer_start(&rq->timer, rq->plane->breath);
	return true;
}

void request_client_left(struct request *rq, const char *reason)
{
	rq->end = rq->end == REQUEST_BROKEN ? REQUEST_CLIENT_STALLED : REQUEST_CLIENT_LEFT;
	rq->reason = reason;
}

void request_broke(struct request *rq)
{
	if (rq->end == REQUEST_WELL)
		rq->end = REQUEST_BROKEN;
}

void request_cut(struct request *rq, const char *reason, bool is_answering)
{
	rq->end = is_answering ? REQUEST_CUT_BROKEN : REQUEST_CUT;
	rq->reason = reason;
}
