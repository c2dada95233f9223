#include "exchange/overdue.h"

#include "exchange/choice.h"
#include "exchange/heads.h"
#include "exchange/kept_answer.h"
#include "exchange/phase.h"

static struct overdue nothing(void)
{
	return (struct overdue){ .what = OVERDUE_NOTHING };
}

static struct overdue of_attempt(enum attempt_outcome outcome)
{
	return (struct overdue){ .what = OVERDUE_ATTEMPT, .attempt = outcome };
}

static struct overdue of_relay(enum relay_outcome outcome)
{
	return (struct overdue){ .what = OVERDUE_RELAY, .relay = outcome };
}

static struct overdue end_with(struct exchange *ex, const char *reason)
{
	ex->rq.reason = reason;
	return (struct overdue){ .what = OVERDUE_END };
}

static struct overdue body_is_late(struct exchange *ex)
{
	request_own(&ex->rq, 408, "the request body did not come in time");
	return (struct overdue){ .what = OVERDUE_OWN };
}

/* The request did not go out in time, or its answer did not come. */
static struct overdue look_at_sending(struct exchange *ex)
{
	if (ex->awaited != AWAITED_CLIENT)
		return of_attempt(deadline_fail(&ex->at, (enum awaited)ex->awaited));
	attempt_end(&ex->at, ATTEMPT_CLOSE);
	return body_is_late(ex);
}

static struct overdue look_at_answer(struct exchange *ex)
{
	return ex->relay.answer == ANSWER_ALONE ? of_relay(heads_alone(&ex->relay))
						: look_at_sending(ex);
}

static struct overdue look_at_rest(struct exchange *ex)
{
	ex->client->keep = false;
	return end_with(ex, ex->awaited == AWAITED_CLIENT ? "client stalled in its body"
							  : "backend took no more of the request");
}

/* In the queue, or while a hook waits for the client's body. */
static struct overdue look_at_parked(struct exchange *ex)
{
	if (ex->rq.queued_since_us != 0)
		return (struct overdue){ .what = OVERDUE_CHOICE,
					 .choice = choice_queue_over(&ex->rq) };
	if (!hook_awaits_body(&ex->rq.view))
		return nothing();
	hook_cancel(&ex->rq.view);
	return body_is_late(ex);
}

struct overdue overdue_look(struct exchange *ex)
{
	switch ((enum exchange_state)ex->state) {
	case EX_QUEUED:
	case EX_PARKED:
		return look_at_parked(ex);
	case EX_CONNECT:
		return of_attempt(
			attempt_overdue(&ex->at, NEAP_STAGE_CONNECT, "connecting timed out"));
	case EX_WAIT:
		return look_at_answer(ex);
	case EX_SEND:
		return look_at_sending(ex);
	case EX_GATHER:
		return of_attempt(kept_answer_overdue(&ex->relay));
	case EX_RELAY:
	case EX_ANSWER:
		return of_relay(relay_stalled(&ex->relay));
	case EX_REST:
		return look_at_rest(ex);
	case EX_TUNNEL:
		return end_with(ex, pump_silent_words(ex->pump));
	default:
		return nothing();
	}
}
