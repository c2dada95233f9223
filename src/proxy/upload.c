#include "proxy/upload.h"

#include "proxy/attempt.h"
#include "proxy/reply.h"

static uint32_t replay_limit(const struct exchange *ex)
{
	return ex->at.pool != NULL ? ex->at.pool->retry.body_bytes : PROXY_BLOCK_BYTES;
}

static bool is_flowing(const struct exchange *ex)
{
	return ex->state == EX_SEND || ex->state == EX_RELAY;
}

/*
 * Gives up replay: what was sent already makes room. As long as nothing was, nothing is lost, and
 * however large the body is, another backend may still get all of it; nor while it is being decided
 * whether one is to.
 */
static void let_flow(struct exchange *ex)
{
	if (ex->kept == 0 || !(is_flowing(ex) || ex->state == EX_WAIT))
		return;
	ex->body_whole = false;
	buf_consume(&ex->body, ex->kept);
	ex->kept = 0;
}

/* The body is not gone through any further, so nothing behind it can be a request. */
static void refuse(struct exchange *ex, uint16_t status, const char *reason)
{
	attempt_end(ex, false);
	ex->keep = false;
	reply_error(ex, status, reason);
}

static bool within_limit(struct exchange *ex)
{
	uint64_t limit = ex->service->conf->limits.body_bytes;
	if (limit == 0)
		return true;
	uint64_t announced = ex->req.framing == FRAMING_LENGTH ? ex->req.length
							       : ex->req_body.payload;
	if (announced <= limit)
		return true;
	refuse(ex, 413, "request body too large");
	return false;
}

static bool feed(struct exchange *ex, const char *p, size_t n, size_t *used)
{
	if (h1_body_feed(&ex->req_body, p, n, used) == BODY_OK)
		return within_limit(ex);
	refuse(ex, 400, ex->req_body.chunk.reason);
	return false;
}

bool upload_start(struct exchange *ex)
{
	h1_body_init(&ex->req_body, &ex->req);
	size_t n = buf_len(ex->in) - ex->req.bytes;
	size_t used = 0;
	if (ex->req_body.done)
		return true;
	if (n == 0)
		return within_limit(ex);
	if (!feed(ex, buf_head(ex->in) + ex->req.bytes, n, &used))
		return false;
	ex->early = (uint32_t)used;
	return true;
}

/* Room at the tail of the body's buffer; 0 when the backend has to take some first. */
static size_t make_room(struct exchange *ex)
{
	if (!buf_hold(&ex->body))
		return 0;
	if (buf_room(&ex->body) == 0 && ex->body_whole)
		let_flow(ex);
	if (buf_room(&ex->body) == 0 || ex->body.start > ex->body.slab->object_bytes / 2)
		buf_compact(&ex->body);
	return buf_room(&ex->body);
}

/*
 * Nobody takes it any more: the connection ends after the answer. What may be sent again is not in
 * vain.
 */
static bool is_in_vain(const struct exchange *ex)
{
	if (ex->state == EX_RELAY)
		return ex->at.uconn == NULL || ex->at.deaf;
	return ex->at.deaf && !ex->body_whole;
}

static void take(struct exchange *ex, size_t n)
{
	size_t used = 0;
	char *p = buf_tail(&ex->body);
	buf_added(&ex->body, n);
	if (!feed(ex, p, n, &used))
		return;
	ex->surplus = (uint32_t)(n - used);
	if (ex->surplus > 0)
		stream_watch_read(ex->client, false); /* what follows must come behind it */
	if (is_in_vain(ex)) {
		ex->body.start = ex->body.end = ex->kept = ex->surplus = 0;
		return;
	}
	if (is_flowing(ex))
		attempt_send(ex);
	if (ex->body_whole && ex->early + buf_len(&ex->body) > replay_limit(ex))
		let_flow(ex);
}

static void client_ended(struct exchange *ex)
{
	ex->client_gone = true;
	ex->reason = "client left while sending its body";
	ex->state = EX_END;
}

static bool has_taker(const struct exchange *ex)
{
	return ex->at.uconn != NULL && ex->at.began && !ex->at.deaf && is_flowing(ex);
}

/*
 * A large body that cannot be replayed any more goes through a pipe once nothing of it is in
 * memory.
 */
static bool is_spliced(struct exchange *ex)
{
	if (ex->up_pipe != NULL && !has_taker(ex)) {
		pipe_put(&ex->proxy->pipes, ex->up_pipe);
		ex->up_pipe = NULL;
	}
	if (ex->up_pipe != NULL)
		return true;
	if (ex->body_whole || ex->req_body.framing != FRAMING_LENGTH ||
	    ex->req_body.left < PROXY_SPLICE_BYTES || !has_taker(ex) || attempt_unsent(ex) > 0 ||
	    !stream_is_plain(ex->client) || !stream_is_plain(&ex->at.uconn->stream))
		return false;
	ex->up_pipe = pipe_take(&ex->proxy->pipes);
	return ex->up_pipe != NULL;
}

static void splice_read(struct exchange *ex)
{
	ssize_t n = pipe_fill(ex->up_pipe, ex->client, ex->req_body.left);
	if (n == IO_AGAIN)
		return;
	if (n <= 0) {
		client_ended(ex);
		return;
	}
	h1_body_skip(&ex->req_body, (uint64_t)n);
	attempt_send(ex);
	if (ex->up_pipe->held > 0)
		stream_watch_read(ex->client, false);
}

static size_t wanted(const struct exchange *ex, size_t room)
{
	bool has_length = ex->req_body.framing == FRAMING_LENGTH;
	return has_length && ex->req_body.left < room ? (size_t)ex->req_body.left : room;
}

void upload_read(struct exchange *ex)
{
	if (is_spliced(ex)) {
		splice_read(ex);
		return;
	}
	size_t room = make_room(ex);
	if (room == 0) {
		stream_watch_read(ex->client, false);
		return;
	}
	ssize_t n = stream_read(ex->client, buf_tail(&ex->body), wanted(ex, room));
	if (n == IO_AGAIN)
		return;
	if (n <= 0) {
		client_ended(ex);
		return;
	}
	take(ex, (size_t)n);
}

void upload_resume(struct exchange *ex)
{
	if (stream_watches_read(ex->client) || ex->came_whole ||
	    (exchange_request_is_whole(ex) && ex->surplus > 0))
		return;
	if (attempt_unsent(ex) <= PROXY_BLOCK_BYTES / 2)
		stream_watch_read(ex->client, true);
}
