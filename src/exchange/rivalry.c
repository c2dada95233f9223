#include "exchange/rivalry.h"

#include <stdlib.h>
#include <string.h>

#include "exchange/budget.h"
#include "exchange/copy.h"
#include "exchange/phase.h"
#include "exchange/retry.h"
#include "exchange/route.h"
#include "exchange/story.h"
#include "script/abi_route.h"

/* ---- who may ---- */

static bool is_safe(const struct request *rq)
{
	uint8_t id = rq->head.method_id;
	return id == METHOD_GET || id == METHOD_HEAD || id == METHOD_OPTIONS;
}

void rivalry_begin_time(struct exchange *ex, void (*on_due)(struct timer *hedge))
{
	const struct request *rq = &ex->rq;
	if (rq->role != REQUEST_OWN || ex->hedging == HEDGING_DONE || !is_safe(rq) ||
	    rq->asks_switch || rq->is_grpc)
		return;
	if (ex->hedging == HEDGING_NONE)
		timer_init(&ex->hedge, on_due);
	ex->hedging = HEDGING_TIMED;
	timer_start(&ex->hedge, rq->lanes->hedge);
}

void rivalry_end_time(struct exchange *ex)
{
	if (ex->hedging != HEDGING_NONE)
		timer_stop(&ex->hedge);
}

static bool is_under_way(const struct exchange *ex)
{
	return ex->state == EX_CONNECT || ex->state == EX_SEND || ex->state == EX_WAIT;
}

bool rivalry_is_due(struct exchange *ex)
{
	const struct body *body = &ex->body;
	if (!is_under_way(ex) || ex->relay.answer != ANSWER_NONE || !ex->rq.can_repeat ||
	    !body->is_complete || body->keep != BODY_KEEPS || !retry_candidate_is_left(&ex->rq) ||
	    !budget_affords_hedge(&ex->rq))
		return false;
	ex->hedging = HEDGING_DONE;
	return true;
}

/* ---- another one of the same ---- */

static bool copy_route(struct neap_request *to, const struct neap_request *from)
{
	if (from->route == NULL)
		return true;
	to->route = malloc(sizeof(struct neap_route));
	if (to->route != NULL)
		memcpy(to->route, from->route, sizeof(struct neap_route));
	return to->route != NULL;
}

/* Both have the same id, so hooks find what they keep of the request. */
static bool copy_view(struct request *to, const struct request *from)
{
	struct neap_request *view = &to->view;
	const void *door = view->body_door;
	*view = from->view;
	hook_request_init(view);
	view->body_door = door;
	view->head = &to->head;
	view->pool = from->view.pool;
	view->outer_id_n = from->view.outer_id_n;
	view->has_state = from->view.has_state;
	view->on_trouble = from->view.on_trouble;
	view->attempt = from->view.attempt + 1;
	view->tried = NULL;
	view->tried_n = 0;
	return copy_edits(view, &from->view) && copy_route(view, &from->view);
}

static bool copy_tried(struct request *to, const struct request *from)
{
	for (uint32_t i = 0; i < from->view.tried_n; i++) {
		if (!retry_remember(to, from->view.tried[i]))
			return false;
	}
	return retry_remember(to, from->view.slot);
}

static void copy_facts(struct request *to, const struct request *from)
{
	to->connection = from->connection;
	to->is_trusted = from->is_trusted;
	to->is_shadowed = to->is_mirrored = true;
	to->has_trace = from->has_trace;
	memcpy(to->trace, from->trace, sizeof(to->trace));
	to->was_told_to_go_on = from->was_told_to_go_on;
	to->has_own_body = from->has_own_body;
	to->own_body_bytes = from->own_body_bytes;
	to->h2_stream = from->h2_stream;
	to->timeout_us = from->timeout_us;
	to->started_us = from->started_us;
	to->head = from->head;
	to->story = from->story;
	to->record = from->record;
}

bool rivalry_copy(struct exchange *rival, struct exchange *ex)
{
	rival->rq.role = REQUEST_RIVAL;
	copy_facts(&rival->rq, &ex->rq);
	bool has_view = copy_view(&rival->rq, &ex->rq);
	rival->rq.view.holder = &ex->rq.view; /* which lives longer */
	return has_view && copy_tried(&rival->rq, &ex->rq) && copy_body(&rival->body, &ex->body);
}

/* ---- the end ---- */

/* Whatever it was about. */
static void end_attempt(struct exchange *ex)
{
	hook_cancel(&ex->rq.view);
	timer_stop(&ex->rq.timer);
	attempt_end(&ex->at, ATTEMPT_CLOSE);
	leg_drop(&ex->at.leg);
	ex->rq.holds_answer = false;
	ex->relay.answer = ANSWER_NONE;
}

static void move_request(struct request *to, struct request *from)
{
	route_end(to);
	to->route = from->route;
	from->route = NULL;
	to->backend = from->backend;
	to->pool = from->pool;
	to->lanes = from->lanes;
	to->first_byte_us = from->first_byte_us;
	to->connect_us = from->connect_us;
	to->is_untouched = from->is_untouched;
	to->view.pool = from->view.pool;
	to->view.slot = from->view.slot;
	to->view.epoch = from->view.epoch;
}

/* The answer came before all of the request was out: its rest is not sent any more. */
static void settle_sending(struct leg *leg)
{
	if (leg->sending != LEG_SENT)
		leg->sending = LEG_MUTE;
}

void rivalry_take_over(struct exchange *ex, struct exchange *rival)
{
	end_attempt(ex);
	(void)retry_remember(&ex->rq,
			     ex->rq.view.slot); /* without memory: it might be tried again */
	attempt_move(&ex->at, &rival->at);
	settle_sending(&ex->at.leg);
	move_request(&ex->rq, &rival->rq);
}

void rivalry_join(struct exchange *ex, struct exchange *rival)
{
	struct request *to = &ex->rq, *from = &rival->rq;
	to->view.has_state |= from->view.has_state;
	from->view.has_state = 0;
	to->attempts = (uint16_t)(to->attempts + from->attempts);
	to->hedges = (uint16_t)(to->hedges + from->attempts);
	if (from->attempts > 0)
		to->view.attempt++;
	if (from->has_failed)
		(void)retry_remember(to, from->view.slot);
	from->record = NULL;
	story_join(to, from);
}

enum choice rivalry_settle(const struct exchange *ex)
{
	bool has_none = ex->decided == CHOICE_AGAIN && ex->rq.holds_answer &&
			!retry_candidate_is_left(&ex->rq);
	return has_none ? CHOICE_PASS : (enum choice)ex->decided;
}
