#include "exchange/upload.h"

#include "exchange/route.h"

static uint32_t replay_limit(const struct request *rq)
{
	return rq->pool != NULL ? rq->pool->retry.body_bytes : PLANE_BLOCK_BYTES;
}

static bool is_mute(const struct attempt *at)
{
	return at->uconn != NULL && at->leg.sending == LEG_MUTE;
}

static void let_flow(struct attempt *at, enum upload_use use)
{
	if (at->body->kept == 0 || use == UPLOAD_GATHERS)
		return;
	body_let_flow(at->body);
	at->rq->can_repeat = false;
}

/* Nobody takes it any more: the connection ends after the answer. What may be sent again stays. */
static bool is_in_vain(const struct attempt *at, enum upload_use use)
{
	if (use == UPLOAD_TRAILS)
		return at->uconn == NULL || is_mute(at);
	return is_mute(at) && at->body->keep == BODY_FLOWS;
}

static void drop_pipe(struct attempt *at)
{
	pipe_put(&at->rq->plane->pipes, at->body->pipe);
	at->body->pipe = NULL;
}

/* A client that sends all before it reads gets to its answer. */
static void drop(struct attempt *at, struct client *c)
{
	c->keep = false;
	body_drop(at->body);
	outbox_drop(&at->leg.out);
	drop_pipe(at);
}

static enum upload_outcome refuse(struct attempt *at, uint16_t status, const char *reason)
{
	request_own(at->rq, status, reason);
	return UPLOAD_REFUSED;
}

uint64_t upload_announced(const struct attempt *at)
{
	const struct http_head *head = &at->rq->head;
	return head->framing == FRAMING_LENGTH ? head->length : at->body->payload;
}

bool upload_is_too_large(const struct attempt *at)
{
	uint64_t limit = route_body_bytes(at->rq);
	return limit != 0 && upload_announced(at) > limit;
}

/* Hooks that may give it another limit have not been asked yet, or wait. */
static bool is_undecided(const struct request *rq)
{
	return rq->service->sets_limits && rq->pool == NULL;
}

enum upload_outcome upload_admit(struct attempt *at)
{
	if (at->rq->head.framing != FRAMING_NONE && upload_is_too_large(at))
		return refuse(at, 413, "request body too large");
	return UPLOAD_WAITS;
}

enum upload_outcome upload_begin(struct attempt *at, const char *fault)
{
	struct body *body = at->body;
	body->came_at_once = body->is_complete;
	body->expects = (at->rq->head.flags & HTTP_EXPECT_CONTINUE) != 0 && body->early == 0;
	if (unlikely(fault != NULL))
		return refuse(at, 400, fault);
	return is_undecided(at->rq) ? UPLOAD_WAITS : upload_admit(at);
}

void upload_go_on(struct attempt *at, struct client *c)
{
	char text[] = "HTTP/1.1 100 Continue\r\n\r\n"; /* fields of HTTP/2 are made in place */
	at->body->expects = false;
	at->rq->was_told_to_go_on = true;
	(void)c->ops->interim(c, (struct str){ text, sizeof(text) - 1 });
}

void upload_answer_expectation(struct attempt *at, struct client *c)
{
	if (leg_is_open(&at->leg) && at->leg.ops->is_framed)
		upload_go_on(at, c);
}

bool upload_is_kept(const struct attempt *at)
{
	const struct http_head *head = &at->rq->head;
	const struct body *body = at->body;
	if (body->keep == BODY_FLOWS)
		return false;
	return body->is_complete ||
	       (head->framing == FRAMING_LENGTH && head->length <= at->rq->pool->retry.body_bytes);
}

size_t upload_room(struct attempt *at, enum upload_use use)
{
	struct body *body = at->body;
	if (!buf_hold(&body->buf))
		return 0;
	if (buf_room(&body->buf) == 0 && body->keep == BODY_KEEPS)
		let_flow(at, use);
	return body_room(body);
}

void upload_settle(struct attempt *at, enum upload_use use)
{
	if (at->body->keep == BODY_KEEPS && body_in_memory(at->body) > replay_limit(at->rq))
		let_flow(at, use);
}

enum upload_outcome upload_came(struct attempt *at, struct client *c, enum upload_use use,
				const char *fault)
{
	if (unlikely(fault != NULL))
		return refuse(at, 400, fault);
	if (upload_is_too_large(at) && !is_undecided(at->rq))
		return refuse(at, 413, "request body too large");
	if (is_in_vain(at, use)) {
		drop(at, c);
		return UPLOAD_WAITS;
	}
	return use == UPLOAD_SENDS || use == UPLOAD_TRAILS ? UPLOAD_READY : UPLOAD_WAITS;
}

void upload_resume(struct attempt *at, struct client *c, enum upload_use use)
{
	const struct body *body = at->body;
	if (likely(body->came_at_once) || (body->is_complete && body->surplus > 0) ||
	    c->ops->is_wanted(c))
		return;
	if (unlikely(is_in_vain(at, use)))
		drop(at, c);
	if (attempt_unsent(at) <= PLANE_BLOCK_BYTES / 2)
		c->ops->want(c, true);
}

static bool has_taker(const struct attempt *at, enum upload_use use)
{
	return at->uconn != NULL && at->leg.sending == LEG_SENDING &&
	       (use == UPLOAD_SENDS || use == UPLOAD_TRAILS);
}

bool upload_may_splice(struct attempt *at, enum upload_use use, uint64_t left)
{
	struct body *body = at->body;
	if (body->pipe != NULL && !has_taker(at, use))
		drop_pipe(at);
	if (body->pipe != NULL)
		return true;
	if (body->keep == BODY_KEEPS || left < PLANE_SPLICE_BYTES || !has_taker(at, use) ||
	    attempt_unsent(at) > 0 || !leg_can_drain(&at->leg))
		return false;
	body->pipe = pipe_take(&at->rq->plane->pipes);
	return body->pipe != NULL;
}
