#include "exchange/access.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/lines.h"
#include "exchange/access_line.h"
#include "exchange/record.h"
#include "exchange/story.h"
#include "exchange/view.h"
#include "net/tls_stream.h"
#include "script/hooks.h"
#include "shm/board.h"
#include "shm/stats.h"

enum { FLUSH_MS = 200 };

_Static_assert(BOARD_GRPC == GRPC_STATUSES + 1, "a cell for each status, and one for none");

struct access {
	struct lines *log;
	struct timer_lane *flushes;
	struct timer flush;
};

static double seconds(int64_t from_us, int64_t to_us)
{
	return from_us == 0 || to_us == 0 ? -1.0 : (double)(to_us - from_us) / 1e6;
}

static void count_service(struct request *rq)
{
	struct board_service_cell *c = rq->service->counts;
	unsigned class = rq->status / 100;
	stat_add(&c->requests, 1);
	stat_add(&c->answers[class < countof(c->answers) ? class : countof(c->answers) - 1], 1);
	if (rq->bytes > 0)
		stat_add(&c->bytes, rq->bytes);
	if (unlikely(rq->attempts > 1 + rq->hedges))
		stat_add(&c->retries, (uint64_t)(rq->attempts - 1 - rq->hedges));
	if (unlikely(request_lost_client(rq)))
		stat_add(&c->aborted, 1);
	if (unlikely(rq->end >= REQUEST_BROKEN))
		stat_add(&c->broken, 1);
	stat_time(&c->total, rq->plane->loop->now_us - rq->started_us);
}

/* What a call ended with, and how many ended without a status. */
static void count_call(const struct request *rq)
{
	unsigned status = rq->grpc_status == GRPC_NONE ? GRPC_STATUSES : (unsigned)rq->grpc_status;
	stat_add(&rq->service->counts->grpc[status], 1);
}

static void count(struct request *rq)
{
	struct board_worker *w = &rq->plane->board->workers[rq->plane->worker];
	stat_add(rq->head.refusal.status != 0 ? &w->bad_requests : &w->requests, 1);
}

/* The words of TLS say more than that the client is gone. */
static void note_broken_tls(struct request *rq)
{
	struct tls_trouble trouble = rq->connection != NULL
					     ? tls_stream_broke(rq->connection)
					     : (struct tls_trouble){ TLS_REASON_NONE, "" };
	if (trouble.reason != TLS_REASON_NONE && trouble.reason != TLS_REASON_LEFT)
		rq->reason = trouble.words;
}

static void fill_outcome(const struct request *rq, struct neap_outcome *o)
{
	*o = (struct neap_outcome){
		.status = rq->status,
		.attempts = rq->attempts,
		.slot = rq->view.slot,
		.epoch = rq->view.epoch,
		.bytes = rq->bytes,
		.queued = (double)rq->queued_us / 1e6,
		.connect = rq->connect_us < 0 ? -1.0 : (double)rq->connect_us / 1e6,
		.first_byte = seconds(rq->started_us, rq->first_byte_us),
		.total = seconds(rq->started_us, rq->plane->loop->now_us),
		.reason = rq->reason,
		.grpc_status = rq->grpc_status,
	};
}

/* Clients of many protocols just leave: no news, as a part of an answer is. */
static void log_broken_tcp(const struct request *rq, const struct backend *b, uint32_t skipped)
{
	char more[LOG_LEFT_OUT_MAX];

	log_info("service %s: a %s to %s broke off after %" PRIu64 " bytes to the client: %s%s",
		 rq->service->conf->name, rq->view.is_udp != 0 ? "flow" : "connection", b->url,
		 rq->bytes, rq->reason != NULL ? rq->reason : "the backend failed",
		 log_left_out(more, skipped));
}

/* The client has a part of an answer only: nothing else in the log would tell. */
static void log_broken(struct request *rq)
{
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];
	const struct backend *b = view_backend(rq);
	bool is_tcp = rq->service->conf->is_tcp;

	if (b == NULL || (is_tcp && !log_enabled(LOG_LEVEL_INFO)) ||
	    !log_may(&rq->plane->breaking, loop_now_ms(rq->plane->loop), &skipped))
		return;
	if (is_tcp) {
		log_broken_tcp(rq, b, skipped);
		return;
	}
	log_warn("the answer of %s broke off after %" PRIu64 " bytes of its body: %s%s", b->url,
		 rq->bytes, rq->reason != NULL ? rq->reason : "the backend failed",
		 log_left_out(more, skipped));
}

static void add_line(struct request *rq, const struct neap_outcome *outcome)
{
	struct access *a = rq->plane->access;
	enum conf_access_format format = rq->plane->conf->access_format;
	struct str line;
	int answer = format == CONF_ACCESS_FUNCTION ? hook_line(rq->service->hooks, &line) : -1;

	if (answer > 0)
		access_line_add_text(a->log, line);
	else if (answer < 0) /* also when the function erred */
		access_line_add(a->log, format, rq, outcome);
	if (!timer_runs(&a->flush))
		timer_start(&a->flush, a->flushes);
}

/* Of a copy only its story is told, if it has one; what there is of a rival the other one tells. */
static void end_other(struct request *rq)
{
	struct neap_outcome outcome;
	fill_outcome(rq, &outcome);
	hook_finish(rq->service->hooks, &rq->view, NULL);
	if (rq->role == REQUEST_COPY && unlikely(rq->plane->conf->explain.is_on))
		story_end(rq, &outcome);
}

void access_end(struct request *rq)
{
	struct neap_outcome outcome;
	if (unlikely(rq->role != REQUEST_OWN)) {
		end_other(rq);
		return;
	}
	bool is_told = hooks_tell(rq->service->hooks);

	count(rq);
	count_service(rq);
	if (unlikely(rq->is_grpc))
		count_call(rq);
	if (unlikely(rq->end != REQUEST_WELL))
		note_broken_tls(rq);
	if (rq->end == REQUEST_BROKEN && rq->view.slot >= 0)
		log_broken(rq);
	bool is_logged = unlikely(rq->plane->access != NULL);
	bool is_explained = unlikely(rq->plane->conf->explain.is_on);
	bool is_recorded = unlikely(rq->record != NULL);
	if (is_told || is_logged || is_explained || is_recorded)
		fill_outcome(rq, &outcome);
	if (is_recorded)
		record_end(rq, &outcome);
	hook_finish(rq->service->hooks, &rq->view, is_told ? &outcome : NULL);
	if (is_logged)
		add_line(rq, &outcome);
	if (is_explained)
		story_end(rq, &outcome);
}

/* ---- the log ---- */

static void on_flush_due(struct timer *t)
{
	struct access *a = container_of(t, struct access, flush);
	if (lines_flush(a->log))
		timer_start(t, a->flushes);
}

enum err access_open(struct plane *p, struct error *e)
{
	if (p->conf->access_log == NULL)
		return ERR_OK;
	struct access *a = calloc(1, sizeof(*a));
	if (a == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the access log");
	p->access = a;
	timer_init(&a->flush, on_flush_due);
	a->flushes = timers_lane(p->timers, FLUSH_MS);
	if (a->flushes == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the access log");
	return lines_open(&a->log, p->conf->access_log, e);
}

void access_reopen(struct plane *p)
{
	if (p->access != NULL)
		lines_reopen(p->access->log);
}

void access_close(struct plane *p)
{
	struct access *a = p->access;
	if (a == NULL)
		return;
	timer_stop(&a->flush);
	if (a->log != NULL)
		lines_close(a->log);
	free(a);
	p->access = NULL;
}
