#include "exchange/failure.h"

#include <stdio.h>

const char *failure_stage(const struct neap_failure *f)
{
	static const char *const stages[] = { "connect", "send", "wait", "body" };
	return f->stage < countof(stages) ? stages[f->stage] : "?";
}

const char *failure_kind(const struct neap_failure *f)
{
	static const char *const kinds[] = { "refused",	 "timeout", "reset",
					     "protocol", "status",  "tls" };
	return f->kind < countof(kinds) ? kinds[f->kind] : "?";
}

const char *failure_words(const struct neap_failure *f)
{
	if (f->ours != 0)
		return f->message;
	switch ((enum neap_kind)f->kind) {
	case NEAP_KIND_REFUSED:
		return "no backend accepted the connection";
	case NEAP_KIND_TIMEOUT:
		return f->stage == NEAP_STAGE_CONNECT ? "connecting to the backend timed out"
						      : "the backend did not answer in time";
	case NEAP_KIND_RESET:
		return "the backend closed the connection";
	case NEAP_KIND_PROTOCOL:
		return "the backend sent an invalid answer";
	case NEAP_KIND_STATUS:
		return "the backend answered with a failure status";
	case NEAP_KIND_TLS:
		return "TLS with the backend failed";
	}
	return "the backend failed";
}

void failure_of_status(struct neap_failure *f, uint16_t status, int grpc_status)
{
	*f = (struct neap_failure){ .stage = NEAP_STAGE_WAIT,
				    .kind = NEAP_KIND_STATUS,
				    .status = status };
	if (grpc_status > GRPC_OK) {
		f->grpc_status = (uint32_t)grpc_status;
		(void)snprintf(f->message, sizeof(f->message), "gRPC status %d (%s)", grpc_status,
			       grpc_word(grpc_status));
	} else {
		(void)snprintf(f->message, sizeof(f->message), "status %u", status);
	}
}

void failure_log(struct request *rq)
{
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];
	const struct neap_failure *f = &rq->failure;
	static const char *const stages[] = { "connecting", "sending", "waiting for the answer",
					      "relaying" };
	if (!log_may(&rq->plane->failing, loop_now_ms(rq->plane->loop), &skipped))
		return;
	log_info("attempt %u on %s failed while %s: %s%s", rq->view.attempt,
		 rq->backend != NULL ? rq->backend->url : "a backend", stages[f->stage & 3],
		 f->message, log_left_out(more, skipped));
}
