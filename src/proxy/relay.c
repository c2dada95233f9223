#include "proxy/relay.h"

#include <stdio.h>

#include "proxy/attempt.h"
#include "proxy/client_out.h"
#include "proxy/reply.h"
#include "proxy/rewrite.h"
#include "proxy/tunnel.h"
#include "script/edits.h"

static bool is_over(const struct exchange *ex)
{
	return ex->at.uconn == NULL && (ex->truncated || ex->res_body.done);
}

/*
 * After bytes came or went: gives the backend's connection back as soon as the answer is here, ends
 * when all of it is out.
 */
static void note_progress(struct exchange *ex, enum client_sent sent)
{
	if (sent == CLIENT_GONE) {
		ex->client_gone = true;
		ex->reason = "client left";
		ex->state = EX_END;
		return;
	}
	if (ex->res_body.done && ex->at.uconn != NULL)
		attempt_end(ex, h1_keeps_alive(&ex->res) && ex->res.framing != FRAMING_UNTIL_CLOSE);
	if (sent == CLIENT_TOOK_ALL) {
		if (is_over(ex)) {
			ex->state = EX_END;
			return;
		}
		buf_drop_if_empty(&ex->down);
		if (ex->at.uconn != NULL)
			stream_watch_read(&ex->at.uconn->stream, true);
	} else if (ex->down_pipe != NULL && ex->at.uconn != NULL) {
		stream_watch_read(&ex->at.uconn->stream, false);
	}
	timer_start(&ex->timer,
		    ex->at.lanes != NULL ? ex->at.lanes->stream_idle : ex->service->client_body);
}

/* The slot is free before the client has its answer: who comes again at once finds it so. */
static enum client_sent deliver(struct exchange *ex, struct str head)
{
	if (ex->res_body.done)
		attempt_free_slot(ex);
	return client_send(ex, head);
}

void relay_write(struct exchange *ex)
{
	enum client_sent sent = client_send(ex, (struct str){ NULL, 0 });
	/* Before the final answer these were 1xx heads: the attempt's own deadline goes on. */
	if (ex->state == EX_RELAY || sent == CLIENT_GONE)
		note_progress(ex, sent);
}

void relay_own(struct exchange *ex, struct str head)
{
	attempt_end(ex, false);
	buf_drop(&ex->down);
	h1_head_init(&ex->res, true, ex->res_fields, &ex->service->limits);
	ex->res_body.done = true;
	ex->responded = true;
	ex->state = EX_RELAY;
	note_progress(ex, client_send(ex, head));
}

void relay_truncate(struct exchange *ex)
{
	ex->truncated = true;
	ex->keep = false;
	attempt_end(ex, false);
	note_progress(ex, client_send(ex, (struct str){ NULL, 0 }));
}

/*
 * Takes the n body bytes at the end of down: checks their framing, drops what comes behind the
 * body.
 */
static bool take_body(struct exchange *ex, size_t n)
{
	char *p = buf_tail(&ex->down) - n;
	size_t used = 0, kept = 0;
	enum h1_body_result r;
	if (ex->decode) {
		r = h1_body_decode(&ex->res_body, p, n, &used, &kept);
	} else {
		r = h1_body_feed(&ex->res_body, p, n, &used);
		kept = used;
	}
	ex->at.excess = used < n;
	ex->down.end -= (uint32_t)(n - kept);
	return r == BODY_OK;
}

static bool needs_close(const struct exchange *ex)
{
	return ex->res.framing == FRAMING_UNTIL_CLOSE || ex->decode ||
	       !exchange_request_is_whole(ex) || ex->proxy->draining;
}

static void run_response_hook(struct exchange *ex, struct neap_response *view)
{
	view->status = ex->res.status;
	view->latency_us = (uint32_t)(ex->first_byte_us - ex->at.connected_us);
	view->head = &ex->res;
	view->base = buf_head(&ex->down);
	if (hooks_have(ex->service->hooks, HOOK_RESPONSE))
		hook_response(ex->service->hooks, &ex->view, view);
}

void relay_begin(struct exchange *ex)
{
	struct neap_response view = { 0 };
	struct str head;
	if (ex->held && attempt_unsent(ex) > 0 && !ex->at.deaf)
		stream_watch_write(&ex->at.uconn->stream, true);
	ex->held = false;
	ex->decode = ex->res.framing == FRAMING_CHUNKED && ex->req.minor == 0;
	ex->keep = ex->keep && !needs_close(ex);
	run_response_hook(ex, &view);
	bool fits = rewrite_response(ex, view.edits, &head);
	edits_free(view.edits);
	if (!fits) {
		attempt_fail(ex, NEAP_STAGE_WAIT, NEAP_KIND_PROTOCOL,
			     "the rewritten head of the answer is too large");
		return;
	}
	buf_consume(&ex->down, ex->res.bytes);
	h1_body_init(&ex->res_body, &ex->res);
	ex->state = EX_RELAY;
	ex->responded = true;
	ex->status = ex->res.status;
	bool good = take_body(ex, buf_len(&ex->down));
	enum client_sent sent = deliver(ex, head);
	if (good || sent == CLIENT_GONE)
		note_progress(ex, sent);
	else
		relay_truncate(ex);
}

/* Should `failed` see this answer first? */
static bool is_failure_status(struct exchange *ex)
{
	if (!conf_retries_status(ex->at.pool, ex->res.status))
		return false;
	ex->held = true;
	attempt_count_failure(ex);
	stream_watch_read(&ex->at.uconn->stream, false);
	stream_watch_write(&ex->at.uconn->stream,
			   false); /* nothing may happen while a hook waits */
	timer_stop(&ex->timer);
	ex->failure = (struct neap_failure){ .stage = NEAP_STAGE_WAIT,
					     .kind = NEAP_KIND_STATUS,
					     .status = ex->res.status };
	(void)snprintf(ex->failure.message, sizeof(ex->failure.message), "status %u",
		       ex->res.status);
	ex->state = EX_FAILED;
	return true;
}

/*
 * A head without the first bytes of its small body is held until those come: a backend that dies in
 * between has not answered yet, so another may, and the client gets both in one write.
 */
static bool awaits_body(struct exchange *ex)
{
	if (ex->awaited_body || ex->state != EX_WAIT || ex->res.framing != FRAMING_LENGTH ||
	    ex->res.length == 0 || ex->res.length > PROXY_BLOCK_BYTES ||
	    buf_len(&ex->down) > ex->res.bytes)
		return false;
	ex->awaited_body = true;
	timer_start(&ex->timer, ex->at.lanes->stream_idle);
	return true;
}

static void final_head(struct exchange *ex)
{
	if (!ex->awaited_body) {
		timer_stop(&ex->try);
		ex->first_byte_us = ex->proxy->loop->now_us;
		board_latency(ex->proxy->board, ex->view.slot,
			      (uint32_t)(ex->first_byte_us - ex->at.connected_us));
		stat_time(&ex->proxy->board->latency[ex->proxy->worker][ex->view.slot],
			  ex->first_byte_us - ex->at.connected_us);
	}
	if (awaits_body(ex))
		return;
	attempt_answered(ex, ex->res.status);
	if (!is_failure_status(ex))
		relay_begin(ex);
}

/*
 * RFC 9110 §15.2: a 1xx goes on to clients that know them. false: the attempt failed or the client
 * left.
 */
static bool interim_head(struct exchange *ex)
{
	struct str head;
	if (++ex->interims > PROXY_INTERIM_MAX) {
		attempt_fail(ex, NEAP_STAGE_WAIT, NEAP_KIND_PROTOCOL, "too many 1xx answers");
		return false;
	}
	if (ex->req.minor > 0) {
		if (!rewrite_response(ex, NULL, &head)) {
			attempt_fail(ex, NEAP_STAGE_WAIT, NEAP_KIND_PROTOCOL,
				     "a 1xx answer is too large");
			return false;
		}
		enum client_sent sent = client_send(ex, head);
		if (sent == CLIENT_GONE) {
			note_progress(ex, sent);
			return false;
		}
	}
	buf_consume(&ex->down, ex->res.bytes);
	h1_head_init(&ex->res, true, ex->res_fields, &ex->service->limits);
	return buf_len(&ex->down) > 0;
}

static void switch_protocols(struct exchange *ex)
{
	if (!ex->upgrade || !exchange_request_is_whole(ex) || attempt_unsent(ex) > 0 ||
	    (ex->res.flags & HTTP_CONN_UPGRADE) == 0 || (ex->res.flags & HTTP_UPGRADE_H2C) != 0) {
		attempt_fail(ex, NEAP_STAGE_WAIT, NEAP_KIND_PROTOCOL, "101 that nobody asked for");
		return;
	}
	ex->first_byte_us = ex->proxy->loop->now_us;
	attempt_answered(ex, ex->res.status);
	tunnel_start(ex);
}

static enum h1_result parse_head(struct exchange *ex)
{
	enum h1_result r = h1_head_parse(&ex->res, buf_head(&ex->down), buf_len(&ex->down));
	if (r == H1_DONE && !h1_response_framing(&ex->res, ex->req.method_id))
		return H1_BAD;
	return r;
}

static void parse_heads(struct exchange *ex)
{
	for (;;) {
		switch (parse_head(ex)) {
		case H1_MORE:
			return;
		case H1_BAD:
			attempt_fail(ex, NEAP_STAGE_WAIT, NEAP_KIND_PROTOCOL,
				     ex->res.refusal.reason);
			return;
		case H1_DONE:
			break;
		}
		if (ex->res.status == 101) {
			switch_protocols(ex);
			return;
		}
		if (ex->res.status >= 200) {
			final_head(ex);
			return;
		}
		if (!interim_head(ex))
			return;
	}
}

static void ended_in_body(struct exchange *ex, ssize_t n)
{
	if (n == IO_EOF && h1_body_is_whole_at_close(&ex->res_body)) {
		ex->res_body.done = true;
		ex->at.excess = true; /* closed: not to be kept */
		note_progress(ex, deliver(ex, (struct str){ NULL, 0 }));
		return;
	}
	ex->reason = "backend broke off its answer";
	relay_truncate(ex);
}

static void ended_before_answer(struct exchange *ex, ssize_t n)
{
	if (attempt_may_replace(ex)) {
		attempt_replace(ex);
		return;
	}
	enum neap_stage stage = exchange_request_is_whole(ex) && attempt_unsent(ex) == 0
					? NEAP_STAGE_WAIT
					: NEAP_STAGE_SEND;
	if (n == IO_EOF)
		attempt_fail(ex, stage, NEAP_KIND_RESET, "closed the connection before its answer");
	else
		attempt_fail_sys(ex, stage, ex->at.uconn->stream.sys);
}

/* A large body goes through a pipe once nothing of it is in memory. */
static bool is_spliced(struct exchange *ex)
{
	if (ex->down_pipe != NULL)
		return true;
	if (ex->state != EX_RELAY || ex->res_body.framing != FRAMING_LENGTH ||
	    ex->res_body.left < PROXY_SPLICE_BYTES || buf_len(&ex->down) > 0 ||
	    buf_len(&ex->out) > 0 || !stream_is_plain(ex->client) ||
	    !stream_is_plain(&ex->at.uconn->stream))
		return false;
	ex->down_pipe = pipe_take(&ex->proxy->pipes);
	return ex->down_pipe != NULL;
}

static void splice_read(struct exchange *ex)
{
	ssize_t n = pipe_fill(ex->down_pipe, &ex->at.uconn->stream, ex->res_body.left);
	if (n == IO_AGAIN)
		return;
	if (n <= 0) {
		ended_in_body(ex, n);
		return;
	}
	h1_body_skip(&ex->res_body, (uint64_t)n);
	ex->at.more = ex->res_body.done && sock_has_input(ex->at.uconn->stream.fd);
	note_progress(ex, deliver(ex, (struct str){ NULL, 0 }));
}

/* Room for the next read; 0: the client has to take some first, or there are no buffers. */
static size_t make_room(struct exchange *ex)
{
	if (!buf_hold(&ex->down))
		return 0;
	if (buf_room(&ex->down) == 0)
		buf_compact(&ex->down);
	return buf_room(&ex->down);
}

static void out_of_buffers(struct exchange *ex)
{
	if (ex->state == EX_RELAY) {
		ex->reason = "out of buffers";
		relay_truncate(ex);
	} else {
		reply_error(ex, 503, "out of buffers");
	}
}

void relay_read(struct exchange *ex)
{
	struct stream *s = &ex->at.uconn->stream;
	if (is_spliced(ex)) {
		splice_read(ex);
		return;
	}
	size_t room = make_room(ex);
	if (room == 0) {
		stream_watch_read(s, false);
		if (ex->down.data == NULL)
			out_of_buffers(ex);
		return;
	}
	ssize_t n = stream_read(s, buf_tail(&ex->down), room);
	if (n == IO_AGAIN) {
		buf_drop_if_empty(&ex->down);
		return;
	}
	if (n <= 0) {
		if (ex->state == EX_RELAY)
			ended_in_body(ex, n);
		else
			ended_before_answer(ex, n);
		return;
	}
	buf_added(&ex->down, (size_t)n);
	ex->at.more = (size_t)n == room;
	if (ex->state != EX_RELAY) {
		parse_heads(ex);
	} else if (!take_body(ex, (size_t)n)) {
		ex->reason = "backend sent a malformed body";
		relay_truncate(ex);
	} else if (stream_watches_write(ex->client)) {
		note_progress(ex, CLIENT_BLOCKED);
	} else {
		note_progress(ex, deliver(ex, (struct str){ NULL, 0 }));
	}
}
