#include "proxy/attempt.h"

#include <errno.h>
#include <stdio.h>

#include "net/ppro.h"
#include "proxy/gather.h"
#include "proxy/queue.h"
#include "proxy/reply.h"
#include "proxy/retry.h"
#include "proxy/rewrite.h"
#include "proxy/shadow.h"

/* false: another worker has taken the last slot since the hooks looked. */
static bool take_slot(struct exchange *ex)
{
	struct board *b = ex->proxy->board;
	uint32_t limit =
		atomic_load_explicit(&b->backends[ex->view.slot].slots, memory_order_relaxed);
	ex->at.limited = limit != 0;
	if (likely(limit == 0))
		board_inflight_add(b, ex->proxy->worker, ex->view.slot, 1);
	else if (!board_slot_take(b, ex->proxy->worker, ex->view.slot, limit))
		return false;
	return true;
}

static bool count_begin(struct exchange *ex)
{
	struct board *b = ex->proxy->board;
	if (!take_slot(ex))
		return false;
	stat_add(&b->cells[ex->proxy->worker][ex->view.slot].requests, 1);
	ex->at.counted = true;
	ex->attempts++;
	queue_leave(ex, QUEUE_SERVED);
	retry_count_request(ex);
	if (unlikely(ex->at.lanes->attempt != NULL))
		timer_start(&ex->try, ex->at.lanes->attempt);
	return true;
}

void attempt_free_slot(struct exchange *ex)
{
	struct board *b = ex->proxy->board;
	if (!ex->at.counted)
		return;
	ex->at.counted = false;
	timer_stop(&ex->try);
	board_inflight_add(b, ex->proxy->worker, ex->view.slot, -1);
	struct queue *q = queue_of(ex);
	/* First the slot is free, then we look who waits: see board_queue_set. */
	if (ex->at.limited)
		atomic_thread_fence(memory_order_seq_cst);
	if (unlikely(q->pool >= 0 && board_queue_waiters(b, q->pool) != 0))
		queue_wake(q);
}

static void note_outlier(struct exchange *ex)
{
	const struct conf_pool *pool = ex->at.pool;
	struct proxy *p = ex->proxy;
	if (board_outlier(p->board, p->worker, ex->view.slot, pool->eject.consecutive))
		p->on_state_change(p->ctx);
}

void attempt_answered(struct exchange *ex, unsigned status)
{
	if (likely(!ex->at.pool->eject.on))
		return;
	if (conf_has_status(ex->at.pool->eject.status, status))
		note_outlier(ex);
	else
		board_well(ex->proxy->board, ex->view.slot);
}

void attempt_count_failure(const struct exchange *ex)
{
	if (ex->view.slot >= 0)
		stat_add(&ex->proxy->board->cells[ex->proxy->worker][ex->view.slot].failures, 1);
}

/* Who the client is, for a backend that wants to be told first. */
static bool add_proxy_header(struct exchange *ex)
{
	char text[PPRO_V1_MAX + 1];
	struct peer ours;
	sock_local(ex->client->fd, &ours);
	size_t n = ppro_write(text, ex->at.backend->send_proxy, ex->peer, &ours);
	return buf_append(&ex->at.head, text, n);
}

static void use_connection(struct exchange *ex, struct uconn *u, bool reused)
{
	struct attempt *at = &ex->at;
	at->uconn = u;
	at->reused = reused;
	u->owner = ex;
	u->requests++;
	u->stream.on_ready = ex->proxy->on_upstream;
	stream_watch_read(&u->stream, true);
	at->connected_us = ex->proxy->loop->now_us;
	ex->connect_us = reused ? 0 : at->connected_us - at->started_us;
	ex->state = EX_SEND;
	if (at->backend->send_proxy != 0 && !add_proxy_header(ex))
		attempt_fail(ex, NEAP_STAGE_SEND, NEAP_KIND_RESET, "out of buffers");
}

static void dial(struct exchange *ex)
{
	struct attempt *at = &ex->at;
	int sys = 0;
	switch (uconn_dial(&ex->proxy->upstream, at->backend, ex->proxy->on_connected, ex,
			   &at->uconn, &sys)) {
	case UCONN_CONNECTED:
		use_connection(ex, at->uconn, false);
		return;
	case UCONN_IN_PROGRESS:
		ex->state = EX_CONNECT;
		timer_start(&ex->timer, at->lanes->connect);
		return;
	case UCONN_FAILED:
		attempt_fail_sys(ex, NEAP_STAGE_CONNECT, sys);
		return;
	}
}

void attempt_begin(struct exchange *ex)
{
	struct attempt *at = &ex->at;
	at->backend = upstream_backend(&ex->proxy->upstream, ex->view.slot, ex->view.epoch);
	at->started_us = ex->proxy->loop->now_us;
	ex->first_byte_us = 0;
	ex->connect_us = -1;
	at->sent = 0;
	at->began = at->deaf = at->excess = at->more = false;
	if (at->backend == NULL) {
		attempt_fail(ex, NEAP_STAGE_CONNECT, NEAP_KIND_REFUSED, "the backend was removed");
		return;
	}
	at->alone = ex->view.is_tcp != 0 || at->backend->send_proxy != 0;
	if (!at->counted && !count_begin(ex)) {
		ex->state = EX_PICK;
		return;
	}
	if (at->backend->addrs_n == 0) {
		attempt_fail(ex, NEAP_STAGE_CONNECT, NEAP_KIND_REFUSED, "its name has no address");
		return;
	}
	struct uconn *u = at->fresh_only || at->alone ? NULL : uconn_take_idle(at->backend);
	if (u != NULL)
		use_connection(ex, u, true);
	else
		dial(ex);
}

void attempt_connected(struct exchange *ex, bool connected)
{
	timer_stop(&ex->timer);
	if (!connected) {
		attempt_fail_sys(ex, NEAP_STAGE_CONNECT, ex->at.uconn->stream.sys);
		return;
	}
	use_connection(ex, ex->at.uconn, false);
}

static size_t body_bytes(const struct exchange *ex)
{
	return buf_len(&ex->body) - ex->surplus - ex->kept;
}

static size_t in_pipe(const struct exchange *ex)
{
	return ex->up_pipe != NULL ? ex->up_pipe->held : 0;
}

size_t attempt_unsent(const struct exchange *ex)
{
	return buf_len(&ex->at.head) + (ex->early - ex->early_sent) + body_bytes(ex) + in_pipe(ex);
}

static int gather(const struct exchange *ex, struct str head, struct iovec iov[4])
{
	const struct attempt *at = &ex->at;
	int n = gather_add(iov, 0, buf_head(&at->head), buf_len(&at->head));
	n = gather_add(iov, n, head.p, head.n);
	if (ex->early > ex->early_sent)
		n = gather_add(iov, n, buf_head(ex->in) + ex->req.bytes + ex->early_sent,
			       ex->early - ex->early_sent);
	if (body_bytes(ex) > 0)
		n = gather_add(iov, n, buf_head(&ex->body) + ex->kept, body_bytes(ex));
	return n;
}

/*
 * Notes that n bytes went out; the rest of a head that was in scratch memory moves to a buffer of
 * its own.
 */
static bool advance(struct exchange *ex, struct str head, size_t n)
{
	struct attempt *at = &ex->at;
	at->sent += n;
	buf_consume(&at->head, gather_part(&n, buf_len(&at->head)));
	size_t part = gather_part(&n, head.n);
	if (part < head.n &&
	    (!buf_hold(&at->head) || !buf_append(&at->head, head.p + part, head.n - part)))
		return false;
	if (buf_len(&at->head) == 0)
		buf_drop(&at->head);
	ex->early_sent += (uint32_t)gather_part(&n, ex->early - ex->early_sent);
	ex->kept += (uint32_t)n;
	if (!ex->body_whole && ex->kept > 0) {
		buf_consume(&ex->body, ex->kept);
		ex->kept = 0;
	}
	return true;
}

static void note_progress(struct exchange *ex)
{
	struct attempt *at = &ex->at;
	if (attempt_unsent(ex) > 0) {
		stream_watch_write(&at->uconn->stream, true);
		return;
	}
	stream_watch_write(&at->uconn->stream, false);
	if (exchange_request_is_whole(ex) && ex->state == EX_SEND) {
		ex->state = EX_WAIT;
		at->sent_us = ex->proxy->loop->now_us;
	}
}

static bool head_first(struct exchange *ex, struct str *head)
{
	*head = (struct str){ NULL, 0 };
	if (ex->at.began)
		return true;
	ex->at.began = true;
	return rewrite_request(ex, head);
}

/*
 * Bytes in memory first; a pipe is only filled when there are none. What the pipe gave is counted
 * here.
 */
static ssize_t write_some(struct exchange *ex, struct str head)
{
	struct attempt *at = &ex->at;
	struct iovec iov[4];
	int n = gather(ex, head, iov);
	if (n > 0)
		return stream_writev(&at->uconn->stream, iov, n);
	if (in_pipe(ex) == 0)
		return 0;
	ssize_t moved = pipe_drain(ex->up_pipe, &at->uconn->stream);
	if (moved == IO_ERROR)
		return IO_ERROR;
	at->sent += moved > 0 ? (uint64_t)moved : 0;
	return 0;
}

void attempt_send(struct exchange *ex)
{
	struct attempt *at = &ex->at;
	struct str head;
	if (at->uconn == NULL || at->deaf)
		return;
	if (!head_first(ex, &head)) {
		attempt_fail(ex, NEAP_STAGE_SEND, NEAP_KIND_PROTOCOL,
			     "the rewritten head is too large");
		return;
	}
	ssize_t wrote = write_some(ex, head);
	if (wrote == IO_ERROR) {
		at->deaf = true;
		stream_watch_write(&at->uconn->stream, false);
		stream_watch_read(&at->uconn->stream, true);
		return;
	}
	if (!advance(ex, head, wrote > 0 ? (size_t)wrote : 0)) {
		attempt_fail(ex, NEAP_STAGE_SEND, NEAP_KIND_RESET, "out of buffers");
		return;
	}
	note_progress(ex);
	shadow_on_sent(ex);
}

static bool may_reuse(const struct exchange *ex)
{
	const struct attempt *at = &ex->at;
	uint32_t limit = at->pool->keepalive.requests;
	/*
	 * Bytes that wait behind the answer would be read as the next one's: unseen, if it begins
	 * in this very turn.
	 */
	return !at->alone && !at->deaf && !at->excess && !at->more && at->began &&
	       exchange_request_is_whole(ex) && attempt_unsent(ex) == 0 &&
	       (limit == 0 || at->uconn->requests < limit) && !ex->proxy->draining;
}

void attempt_end(struct exchange *ex, bool reuse)
{
	struct attempt *at = &ex->at;
	if (at->uconn != NULL) {
		if (reuse && may_reuse(ex))
			uconn_put(at->uconn, at->pool->keepalive.connections,
				  at->lanes->keepalive_idle);
		else
			uconn_close(at->uconn);
		at->uconn = NULL;
	}
	buf_drop(&at->head);
	attempt_free_slot(ex);
}

void attempt_rewind(struct exchange *ex)
{
	ex->early_sent = 0;
	ex->kept = 0;
}

bool attempt_may_replace(const struct exchange *ex)
{
	return ex->at.reused && buf_len(&ex->down) == 0 && retry_is_safe(ex);
}

void attempt_replace(struct exchange *ex)
{
	uconn_close(ex->at.uconn);
	ex->at.uconn = NULL;
	buf_drop(&ex->at.head);
	buf_drop(&ex->down);
	ex->at.fresh_only = true;
	attempt_rewind(ex);
	ex->state = EX_TAKE;
}

void attempt_fail(struct exchange *ex, enum neap_stage stage, enum neap_kind kind,
		  const char *message)
{
	struct neap_failure *f = &ex->failure;
	*f = (struct neap_failure){ .stage = stage, .kind = kind };
	f->safe = retry_is_safe(ex) && retry_attempt_is_left(ex);
	(void)snprintf(f->message, sizeof(f->message), "%s", message); /* cut if too long */
	timer_stop(&ex->timer);
	if (ex->view.slot >= 0 && ex->at.pool->eject.on)
		note_outlier(ex);
	attempt_count_failure(ex);
	attempt_end(ex, false);
	buf_drop(&ex->down);
	ex->state = EX_FAILED;
}

/*
 * Our own lack of descriptors or memory says nothing about the backend: no policy is asked, none is
 * marked down.
 */
static void refuse_for_shortage(struct exchange *ex, int sys)
{
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];
	if (log_may(&ex->proxy->short_of, loop_now_ms(ex->proxy->loop), &skipped))
		log_error("cannot connect to %s: %s%s", ex->at.backend->url, sock_err_text(sys),
			  log_left_out(more, skipped));
	timer_stop(&ex->timer);
	attempt_end(ex, false);
	reply_error(ex, 503, "too few resources for a connection to the backend");
}

void attempt_fail_sys(struct exchange *ex, enum neap_stage stage, int sys)
{
	if (stage == NEAP_STAGE_CONNECT && sock_err_is_shortage(sys)) {
		refuse_for_shortage(ex, sys);
		return;
	}
	enum neap_kind kind = sys == ETIMEDOUT ? NEAP_KIND_TIMEOUT
			      : stage == NEAP_STAGE_CONNECT && !sock_err_is_gone(sys)
				      ? NEAP_KIND_REFUSED
				      : NEAP_KIND_RESET;
	if (sys == ECONNREFUSED)
		kind = NEAP_KIND_REFUSED;
	attempt_fail(ex, stage, kind, sock_err_text(sys));
}
