#include "exchange/choice.h"

#include <stdio.h>

#include "exchange/acme.h"
#include "exchange/budget.h"
#include "exchange/failure.h"
#include "exchange/queue.h"
#include "exchange/retry.h"
#include "exchange/route.h"
#include "exchange/witness.h"
#include "http/max_forwards.h"
#include "http/via.h"

enum { SLOTS_LOST_MAX = 3 }; /* a choice that came too late is made again so often */

static enum choice answer_failure(struct request *rq, const char *reason)
{
	request_own(rq, rq->failure.kind == NEAP_KIND_TIMEOUT ? 504 : 502, reason);
	return CHOICE_OWN;
}

/* Nothing is left to try. */
static enum choice give_up(struct request *rq)
{
	return rq->holds_answer ? CHOICE_PASS : answer_failure(rq, failure_words(&rq->failure));
}

/* One more attempt is safe, but there were enough of them. */
static enum choice give_up_poor(struct request *rq)
{
	rq->reason = "the retry budget is spent";
	if (rq->holds_answer)
		return CHOICE_PASS;
	(void)snprintf(rq->view.reason, sizeof(rq->view.reason), "%s; the retry budget is spent",
		       failure_words(&rq->failure));
	return answer_failure(rq, rq->view.reason);
}

/* Another attempt: its backend is not tried again. */
static enum choice try_again(struct request *rq)
{
	bool may = rq->role != REQUEST_RIVAL && rq->failure.safe &&
		   (!rq->holds_answer || retry_candidate_is_left(rq));
	if (may && !budget_affords_retry(rq))
		return give_up_poor(rq);
	if (!may || !retry_remember(rq, rq->view.slot))
		return give_up(rq);
	rq->view.attempt++;
	return CHOICE_AGAIN;
}

static enum choice unavailable(struct request *rq, const char *otherwise)
{
	if (rq->view.tried_n > 0)
		return give_up(rq);
	request_own(rq, 503, rq->view.reason[0] != '\0' ? rq->view.reason : otherwise);
	return CHOICE_OWN;
}

/* All backends are busy, and it cannot wait for them (any longer). */
static enum choice crowded_out(struct request *rq, const char *reason)
{
	enum choice choice = unavailable(rq, reason);
	rq->own.is_full = rq->own.status == 503;
	return choice;
}

/* Waits for a free slot; or may not. */
static enum choice wait_in_queue(struct request *rq, bool was_asked)
{
	const char *refusal = rq->role == REQUEST_RIVAL ? "every backend is busy"
							: queue_join(rq, was_asked);
	return refusal == NULL ? CHOICE_QUEUE : crowded_out(rq, refusal);
}

static enum choice take_backend(struct request *rq)
{
	rq->pool = &rq->plane->conf->pools[rq->view.pool];
	rq->lanes = &rq->service->pools[rq->view.pool];
	if (unlikely(rq->view.route != NULL) && !route_take(rq)) {
		request_own(rq, 503, "out of memory");
		return CHOICE_OWN;
	}
	return CHOICE_BACKEND;
}

static void on_resumed(struct neap_request *view, uint32_t verdict);

static enum choice follow(struct request *rq, enum neap_verdict verdict)
{
	witness_verdict(rq, verdict);
	if (verdict != NEAP_BACKEND && verdict != NEAP_QUEUE && verdict != NEAP_WAIT)
		queue_leave(rq, QUEUE_LEFT);
	switch (verdict) {
	case NEAP_BACKEND:
		return unlikely(queue_goes_first(rq)) ? wait_in_queue(rq, false) : take_backend(rq);
	case NEAP_REPLY:
		return CHOICE_SCRIPT;
	case NEAP_NONE:
		return unavailable(rq, "no backend is available");
	case NEAP_QUEUE:
		return wait_in_queue(rq, true);
	case NEAP_REFUSE:
		request_own(rq, 503, "the policy failed");
		return CHOICE_OWN;
	case NEAP_RETRY:
		return try_again(rq);
	case NEAP_WAIT:
		rq->view.on_resumed = on_resumed;
		return CHOICE_PARK;
	case NEAP_FAIL:
	case NEAP_DONE:
		break;
	}
	return give_up(rq);
}

/* From the loop. */
static void on_resumed(struct neap_request *view, uint32_t verdict)
{
	struct request *rq = container_of(view, struct request, view);
	rq->owner->on_choice(rq, follow(rq, (enum neap_verdict)verdict));
}

/* RFC 9110 §7.6.2. */
static bool is_used_up(const struct request *rq)
{
	uint64_t forwards;
	return unlikely(max_forwards(&rq->head, buf_head(rq->block), &forwards)) && forwards == 0;
}

/* The answer to a CA's challenge, if the request asks for one of ours. */
static bool is_challenge(struct request *rq)
{
	struct str path = { rq->view.path, rq->view.path_n };
	struct str answer = acme_answer(rq->service->acme, path);

	if (likely(answer.p == NULL))
		return false;
	neap_reply_start(&rq->view, 200);
	(void)neap_reply_body(&rq->view, answer.p,
			      answer.n); /* else it is empty, and asked again */
	return true;
}

/* A balancer behind this one sent it back. */
static bool goes_round(struct request *rq)
{
	struct service *s = rq->service;
	uint32_t skipped;

	if (likely(s->conf->via[0] == '\0') || !http_has(&rq->head, FIELD_VIA) ||
	    !via_has(&rq->head, buf_head(rq->block), str_of(s->conf->via)))
		return false;
	if (log_may(&s->looping, loop_now_ms(s->plane->loop), &skipped))
		log_error(
			"service %s: a request came back that has passed here (Via names %s): a "
			"backend leads to this service again, by way of another balancer (%u more)",
			s->conf->name, s->conf->via, skipped);
	request_own(rq, 508, "a loop of balancers: the request has passed here already (Via)");
	return true;
}

/* TRACE is not echoed: heads have secrets. */
bool choice_is_ours(struct request *rq, enum choice *choice)
{
	if (unlikely(rq->service->acme != NULL) && is_challenge(rq)) {
		*choice = CHOICE_SCRIPT;
		return true;
	}
	*choice = CHOICE_OWN;
	if (unlikely(goes_round(rq)))
		return true;
	if (rq->head.method_id == METHOD_CONNECT) {
		request_own(rq, 405, "CONNECT is not for a reverse proxy");
		return true;
	}
	if (likely(!is_used_up(rq)))
		return false;
	if (rq->head.method_id == METHOD_TRACE) {
		request_own(rq, 405, "TRACE with Max-Forwards: 0 is not answered here");
		return true;
	}
	rq->view.reply.status = 200;
	*choice = CHOICE_SCRIPT;
	return true;
}

enum choice choice_decide(struct request *rq)
{
	witness_ask(rq, ASK_DECIDE);
	return follow(rq, hook_decide(rq->service->hooks, &rq->view));
}

enum choice choice_pick(struct request *rq)
{
	witness_ask(rq, ASK_PICK);
	return follow(rq, hook_pick(rq->service->hooks, &rq->view));
}

enum choice choice_failed(struct request *rq)
{
	if (rq->failure.kind == NEAP_KIND_STATUS)
		rq->failure.safe = retry_is_safe(rq) && retry_attempt_is_left(rq);
	failure_log(rq);
	witness_ask(rq, ASK_FAILED);
	witness_failed(rq);
	return follow(rq, hook_failed(rq->service->hooks, &rq->view, &rq->failure));
}

static void on_response_resumed(struct neap_request *view, uint32_t verdict);

static enum choice after_response(struct request *rq, enum neap_verdict verdict)
{
	switch (verdict) {
	case NEAP_WAIT:
		rq->view.on_resumed = on_response_resumed;
		return CHOICE_PARK;
	case NEAP_REFUSE:
		request_own(rq, 503, "the policy failed");
		return CHOICE_OWN;
	default:
		return CHOICE_GO;
	}
}

/* From the loop. */
static void on_response_resumed(struct neap_request *view, uint32_t verdict)
{
	struct request *rq = container_of(view, struct request, view);
	rq->owner->on_choice(rq, after_response(rq, (enum neap_verdict)verdict));
}

enum choice choice_response(struct request *rq, struct neap_response *response)
{
	return after_response(rq, hook_response(rq->service->hooks, &rq->view, response));
}

enum choice choice_slot_lost(struct request *rq)
{
	if (++rq->slots_lost <= SLOTS_LOST_MAX)
		return CHOICE_AGAIN;
	rq->slots_lost = 0;
	return wait_in_queue(rq, true);
}

enum choice choice_queue_over(struct request *rq)
{
	hook_cancel(&rq->view);
	queue_leave(rq, QUEUE_TIMED_OUT);
	return crowded_out(rq, "queue timed out");
}
