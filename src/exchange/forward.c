#include "exchange/forward.h"

#include "exchange/approach.h"
#include "exchange/preamble.h"
#include "exchange/retry.h"

enum attempt_outcome forward_take(struct attempt *at)
{
	bool has_one_try = retry_has_one_try(at->rq, upload_is_kept(at));
	at->trust = has_one_try ? POOL_SURE : POOL_ANY;
	return approach_begin(at);
}

enum attempt_sent forward_send(struct attempt *at, struct client *c, enum upload_use use)
{
	enum attempt_sent sent = attempt_send(at);
	if (unlikely(!at->body->came_at_once))
		upload_resume(at, c, use);
	return sent;
}

enum attempt_sent forward_begin(struct attempt *at, struct client *c)
{
	if (unlikely(!approach_open_leg(at) || !preamble_begin(at, c))) {
		attempt_fail_ours(at, NEAP_STAGE_SEND, "out of buffers");
		return SENT_NOT;
	}
	enum attempt_sent sent = forward_send(at, c, UPLOAD_SENDS);
	if (unlikely(at->body->expects))
		upload_answer_expectation(at, c);
	return sent;
}
