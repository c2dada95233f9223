#include "exchange/attempt.h"

#include <errno.h>
#include <stdio.h>

#include "exchange/call.h"
#include "exchange/queue.h"
#include "exchange/retry.h"
#include "exchange/rewrite.h"
#include "exchange/shadow.h"
#include "net/sock.h"
#include "shm/board.h"
#include "shm/board_cell.h"
#include "shm/board_outlier.h"
#include "shm/board_queue.h"
#include "shm/board_suspect.h"
#include "shm/stats.h"

static struct board *board_of(const struct attempt *at)
{
	return at->rq->plane->board;
}

/* ---- slots ---- */

void attempt_free_slot(struct attempt *at)
{
	struct request *rq = at->rq;
	uint8_t slot = at->slot;
	if (slot == SLOT_NONE)
		return;
	at->slot = SLOT_NONE;
	timer_stop(&at->timer);
	board_inflight_add(board_of(at), rq->plane->worker, rq->view.slot, -1);
	struct queue *q = queue_of(rq);
	/* The slot is freed first, and only then we look who waits: see board_queue_set. */
	if (slot == SLOT_LIMITED)
		atomic_thread_fence(memory_order_seq_cst);
	if (unlikely(q->pool >= 0 && board_queue_waiters(board_of(at), q->pool) != 0))
		queue_wake(q);
}

/* ---- what is known of the backend ---- */

static void note_outlier(struct attempt *at)
{
	const struct request *rq = at->rq;
	struct plane *p = rq->plane;
	if (board_outlier(p->board, p->worker, rq->view.slot, rq->pool->eject.consecutive))
		p->on_state_change(p->ctx);
}

void attempt_judge_call(struct attempt *at)
{
	const struct request *rq = at->rq;
	if (!rq->pool->eject.on)
		return;
	if (conf_has_grpc(rq->pool->eject.grpc_status, rq->grpc_status))
		note_outlier(at);
	else if (rq->grpc_status != GRPC_NONE)
		board_well(board_of(at), rq->view.slot);
}

void attempt_answered(struct attempt *at, unsigned status)
{
	const struct request *rq = at->rq;
	struct board *b = board_of(at);
	if (status != 0)
		uconn_on_answer(at->uconn);
	if (unlikely(board_suspicion(b, rq->view.slot) != 0) &&
	    !conf_retries_status(rq->pool, status) && !call_is_retried(rq))
		board_trust(b, rq->view.slot);
	if (likely(!rq->pool->eject.on))
		return;
	if (conf_has_status(rq->pool->eject.status, status))
		note_outlier(at);
	else if (!rq->is_grpc || status == 0)
		board_well(b, rq->view.slot);
	else
		attempt_judge_call(at); /* as long as it has no status, nothing is known */
}

void attempt_count_failure(const struct attempt *at, enum neap_kind kind)
{
	const struct request *rq = at->rq;
	if (likely(rq->role != REQUEST_COPY))
		stat_add(&rq->service->counts->failed[kind], 1);
	if (rq->view.slot >= 0)
		stat_add(&board_of(at)->cells[rq->plane->worker][rq->view.slot].failures, 1);
}

static void on_attempt_due(struct timer *t)
{
	struct attempt *at = container_of(t, struct attempt, timer);
	at->on_due(at);
}

void attempt_init(struct attempt *at, struct request *rq, struct body *body,
		  struct http_field *fields, void (*on_ready)(struct leg *leg, int events))
{
	at->rq = rq;
	at->body = body;
	at->uconn = NULL;
	at->slot = SLOT_NONE;
	at->trust = POOL_ANY;
	at->fresh_only = at->is_reused = false;
	list_init(&at->place.node);
	list_init(&at->h2_place.node);
	timer_init(&at->timer, on_attempt_due);
	leg_init(&at->leg, &(struct leg_memory){ &rq->plane->blocks, &rq->plane->small_blocks },
		 fields, on_ready);
}

/* ---- sending ---- */

size_t attempt_unsent(const struct attempt *at)
{
	return outbox_len(&at->leg.out) + body_unsent(at->body);
}

bool attempt_takes(const struct attempt *at)
{
	return at->uconn != NULL && at->leg.sending < LEG_SENT;
}

static bool write_head(struct attempt *at, struct str *head)
{
	*head = (struct str){ NULL, 0 };
	if (at->leg.sending != LEG_UNSENT)
		return true;
	return rewrite_request(at->rq, at->leg.ops->is_framed ? REWRITE_FRAMED : REWRITE_HTTP1,
			       head);
}

/* What is in memory is older than what is in the pipe. */
static ssize_t write_some(struct attempt *at, struct str head)
{
	struct body *body = at->body;
	struct iovec pieces[2];
	size_t took;
	struct leg_body there = { .pieces = pieces,
				  .n = body_gather(body, pieces),
				  .is_last = body->is_complete,
				  .form = body->form,
				  .trailers = body_trailers(body) };
	ssize_t wrote = leg_send(&at->leg, head, &there, &took);
	if (there.n > 0)
		body_sent(body, took);
	if (likely(body->pipe == NULL) || wrote == IO_ERROR || body->pipe->held == 0 ||
	    attempt_unsent(at) > body->pipe->held)
		return wrote;
	return leg_drain(&at->leg, body->pipe);
}

static bool is_lack_of_memory(const struct attempt *at)
{
	return leg_failure(&at->leg).sys == ENOMEM;
}

void attempt_ask_shadow(struct attempt *at)
{
	if (unlikely(at->rq->pool->has_shadow) && at->slot != SLOT_NONE)
		shadow_ask(at->rq);
}

static void note_sent(struct attempt *at)
{
	struct request *rq = at->rq;
	if (rq->is_untouched)
		rq->is_untouched = leg_is_untouched(&at->leg);
	attempt_ask_shadow(at);
}

/* For the first time: a copy may go to the pool's mirror. */
static void note_whole(struct request *rq)
{
	if (likely(rq->pool->mirror.pool < 0) || rq->is_mirrored)
		return;
	rq->is_mirrored = true;
	rq->plane->on_whole(rq);
}

enum attempt_sent attempt_send(struct attempt *at)
{
	struct str head;
	if (at->uconn == NULL || at->leg.sending == LEG_MUTE)
		return SENT_SOME;
	if (!write_head(at, &head)) {
		attempt_fail_ours(at, NEAP_STAGE_SEND, "the rewritten head is too large");
		return SENT_NOT;
	}
	if (write_some(at, head) == IO_ERROR) {
		if (!is_lack_of_memory(at))
			return SENT_SOME;
		attempt_fail_ours(at, NEAP_STAGE_SEND, "out of buffers");
		return SENT_NOT;
	}
	bool is_all = at->body->is_complete && attempt_unsent(at) == 0;
	note_sent(at);
	if (!is_all)
		return SENT_SOME;
	at->leg.sending = LEG_SENT;
	note_whole(at->rq);
	return SENT_ALL;
}

/* ---- the end ---- */

/* On what terms, where more than this client may use it. */
static struct leg_keep terms_of(const struct request *rq)
{
	return (struct leg_keep){
		.pool = { .max_idle = rq->pool->keepalive.connections,
			  .idle = rq->lanes->keepalive_idle,
			  .surplus = rq->plane->surplus },
		.max_requests = rq->pool->keepalive.requests,
	};
}

static void leave_connection(struct attempt *at, enum attempt_reuse reuse)
{
	if (!leg_is_open(&at->leg)) { /* it was dialled, or is a tunnel's */
		if (at->h2 == NULL)
			uconn_close(at->uconn);
		outbox_drop(&at->leg.out);
	} else if (reuse == ATTEMPT_KEEP && !at->is_alone && !plane_drains(at->rq->plane)) {
		struct leg_keep terms = terms_of(at->rq);
		leg_end(&at->leg, &terms);
	} else {
		leg_end(&at->leg, NULL);
	}
	at->uconn = NULL;
}

void attempt_end(struct attempt *at, enum attempt_reuse reuse)
{
	if (at->uconn != NULL)
		leave_connection(at, reuse);
	pace_leave(&at->place);
	h2_pool_quit(&at->h2_place);
	attempt_free_slot(at);
}

void attempt_move(struct attempt *to, struct attempt *from)
{
	timer_stop(&from->timer);
	to->uconn = from->uconn;
	to->h2 = from->h2;
	to->started_us = from->started_us;
	to->connected_us = from->connected_us;
	to->slot = from->slot;
	to->is_alone = from->is_alone;
	to->is_reused = from->is_reused;
	to->fresh_only = from->fresh_only;
	leg_move(&to->leg, &from->leg);
	from->uconn = NULL;
	from->slot = SLOT_NONE;
}

bool attempt_may_replace(const struct attempt *at)
{
	at->rq->is_untouched = leg_is_untouched(&at->leg); /* a backend may have said so by now */
	bool is_refused = at->h2 != NULL && at->rq->is_untouched && !at->fresh_only;
	return (at->is_reused || is_refused) && buf_len(&at->leg.in) == 0 && retry_is_safe(at->rq);
}

void attempt_replace(struct attempt *at)
{
	leave_connection(at, ATTEMPT_CLOSE);
	leg_drop(&at->leg);
	body_rewind(at->body);
	at->fresh_only = true;
}

/* ---- failing ---- */

static enum attempt_outcome fail(struct attempt *at, struct neap_failure failure,
				 const char *message)
{
	struct request *rq = at->rq;
	struct neap_failure *f = &rq->failure;
	/* Only now the leg may know: a backend can say that it took nothing of what was sent. */
	if (leg_is_open(&at->leg))
		rq->is_untouched = leg_is_untouched(&at->leg);
	*f = failure;
	rq->has_failed = true;
	f->safe = retry_is_safe(rq) && retry_attempt_is_left(rq);
	(void)snprintf(f->message, sizeof(f->message), "%s", message); /* cut if too long */
	timer_stop(&rq->timer);
	attempt_end(at, ATTEMPT_CLOSE);
	leg_drop(&at->leg);
	return ATTEMPT_FAILED;
}

/* A connection that was kept from an earlier request, and had ended when this one was sent. */
static bool had_ended(const struct attempt *at, enum neap_kind kind)
{
	return at->is_reused && kind == NEAP_KIND_RESET && at->leg.interim_bytes == 0 &&
	       buf_len(&at->leg.in) == 0;
}

enum attempt_outcome attempt_fail(struct attempt *at, enum neap_stage stage, enum neap_kind kind,
				  const char *message)
{
	const struct request *rq = at->rq;
	bool kept = had_ended(at, kind);
	if (rq->view.slot >= 0 && rq->pool->eject.on && !kept)
		note_outlier(at);
	attempt_count_failure(at, kind);
	return fail(at, (struct neap_failure){ .stage = stage, .kind = kind, .kept = kept },
		    message);
}

enum attempt_outcome attempt_fail_ours(struct attempt *at, enum neap_stage stage,
				       const char *message)
{
	struct neap_failure failure = { .stage = stage, .kind = NEAP_KIND_PROTOCOL, .ours = 1 };
	return fail(at, failure, message);
}

enum attempt_outcome attempt_refuse(struct attempt *at, uint16_t status, const char *reason)
{
	timer_stop(&at->rq->timer);
	attempt_end(at, ATTEMPT_CLOSE);
	request_own(at->rq, status, reason);
	return ATTEMPT_SHORT;
}

/*
 * Our own lack of descriptors, ports or memory says nothing about the backend: no policy is asked,
 * none is marked down.
 */
static enum attempt_outcome refuse_for_shortage(struct attempt *at, int sys)
{
	struct request *rq = at->rq;
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];
	if (log_may(&rq->plane->short_of, loop_now_ms(rq->plane->loop), &skipped))
		log_error("cannot connect to %s: %s%s", rq->backend->url, dial_lack_text(sys),
			  log_left_out(more, skipped));
	return attempt_refuse(at, 503, "too few resources for a connection to the backend");
}

/* The errno of what neap lacks for its dial, or for those that it waits for; 0: nothing. */
static int lacks(const struct attempt *at)
{
	return at->uconn != NULL ? uconn_lacks(at->uconn) : uconn_first_lacks(at->rq->backend);
}

/* It was not even dialled for: others say whether the backend takes connections. */
static enum attempt_outcome fail_unturned(struct attempt *at)
{
	struct neap_failure failure = { .stage = NEAP_STAGE_CONNECT,
					.kind = NEAP_KIND_TIMEOUT,
					.ours = 1 };
	return fail(at, failure,
		    "connecting timed out: too many connections to the backend wait for an answer");
}

enum attempt_outcome attempt_overdue(struct attempt *at, enum neap_stage stage, const char *message)
{
	int lack = stage == NEAP_STAGE_CONNECT ? lacks(at) : 0;
	if (lack != 0)
		return refuse_for_shortage(at, lack);
	if (!list_is_empty(&at->place.node))
		return fail_unturned(at);
	if (stage == NEAP_STAGE_CONNECT && at->uconn != NULL && uconn_shakes(at->uconn))
		message = "the TLS handshake timed out";
	return attempt_fail(at, stage, NEAP_KIND_TIMEOUT, message);
}

static enum attempt_outcome fail_by_errno(struct attempt *at, enum neap_stage stage, int sys)
{
	if (stage == NEAP_STAGE_CONNECT && sock_err_is_shortage(sys))
		return refuse_for_shortage(at, sys);
	enum neap_kind kind = sys == ETIMEDOUT ? NEAP_KIND_TIMEOUT
			      : stage == NEAP_STAGE_CONNECT && !sock_err_is_gone(sys)
				      ? NEAP_KIND_REFUSED
				      : NEAP_KIND_RESET;
	if (sys == ECONNREFUSED)
		kind = NEAP_KIND_REFUSED;
	return attempt_fail(at, stage, kind, sock_err_text(sys));
}

/* What goes wrong with TLS later is an end of the connection that nobody vouches for. */
enum attempt_outcome attempt_fail_stream(struct attempt *at, enum neap_stage stage,
					 struct stream_failure why)
{
	if (likely(why.kind == STREAM_FAILURE_SYSTEM))
		return fail_by_errno(at, stage, why.sys);
	static const uint8_t kinds[] = {
		[STREAM_FAILURE_TLS] = NEAP_KIND_TLS,
		[STREAM_FAILURE_PROTOCOL] = NEAP_KIND_PROTOCOL,
		[STREAM_FAILURE_RESET] = NEAP_KIND_RESET,
	};
	bool is_later = why.kind == STREAM_FAILURE_TLS && stage != NEAP_STAGE_CONNECT;
	return attempt_fail(at, stage, is_later ? NEAP_KIND_RESET : (enum neap_kind)kinds[why.kind],
			    why.words);
}
