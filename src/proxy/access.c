#include "proxy/access.h"

#include <inttypes.h>

#include "proxy/access_line.h"
#include "proxy/record.h"
#include "proxy/story.h"
#include "proxy/view.h"

static double seconds(int64_t from_us, int64_t to_us)
{
	return from_us == 0 || to_us == 0 ? -1.0 : (double)(to_us - from_us) / 1e6;
}

static void count_service(struct exchange *ex)
{
	struct board_service_cell *c = ex->service->counts;
	unsigned class = ex->status / 100;
	stat_add(&c->requests, 1);
	stat_add(&c->answers[class < countof(c->answers) ? class : 0], 1);
	if (ex->bytes > 0)
		stat_add(&c->bytes, ex->bytes);
	if (unlikely(ex->attempts > 1))
		stat_add(&c->retries, ex->attempts - 1);
	if (unlikely(ex->client_gone))
		stat_add(&c->aborted, 1);
	if (unlikely((ex->truncated || ex->was_cut) && !ex->client_gone))
		stat_add(&c->broken, 1);
	stat_time(&c->total, ex->proxy->loop->now_us - ex->started_us);
}

static void count(struct exchange *ex)
{
	struct board_worker *w = &ex->proxy->board->workers[ex->proxy->worker];
	stat_add(ex->req.refusal.status != 0 ? &w->bad_requests : &w->requests, 1);
}

static void fill_outcome(const struct exchange *ex, struct neap_outcome *o)
{
	*o = (struct neap_outcome){
		.status = ex->status,
		.attempts = ex->attempts,
		.slot = ex->view.slot,
		.epoch = ex->view.epoch,
		.bytes = ex->bytes,
		.queued = (double)ex->queued_us / 1e6,
		.connect = ex->connect_us < 0 ? -1.0 : (double)ex->connect_us / 1e6,
		.first_byte = seconds(ex->started_us, ex->first_byte_us),
		.total = seconds(ex->started_us, ex->proxy->loop->now_us),
		.reason = ex->reason,
	};
}

/* The client has a part of an answer only: nothing else in the log would tell. */
static void log_broken(struct exchange *ex)
{
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];
	const struct backend *b = view_backend(ex);

	if (b == NULL || !log_may(&ex->proxy->breaking, loop_now_ms(ex->proxy->loop), &skipped))
		return;
	log_warn("the answer of %s broke off after %" PRIu64 " bytes of its body: %s%s", b->url,
		 ex->bytes, ex->reason != NULL ? ex->reason : "the backend failed",
		 log_left_out(more, skipped));
}

static void add_line(struct exchange *ex, const struct neap_outcome *outcome)
{
	struct proxy *p = ex->proxy;
	enum conf_access_format format = p->conf->access_format;
	struct str line;
	int answer = format == CONF_ACCESS_FUNCTION ? hook_line(ex->service->hooks, &line) : -1;

	if (answer > 0)
		access_line_add_text(p->access_log, line);
	else if (answer < 0) /* also when the function erred */
		access_line_add(p->access_log, format, ex, outcome);
	if (!timer_runs(&p->flush))
		timer_start(&p->flush, p->flushes);
}

void access_end(struct exchange *ex)
{
	struct neap_outcome outcome;
	bool is_told = hooks_tell(ex->service->hooks);

	count(ex);
	count_service(ex);
	if (ex->truncated && !ex->client_gone && !ex->was_cut && ex->view.slot >= 0)
		log_broken(ex);
	bool is_logged = unlikely(ex->proxy->access_log != NULL);
	bool is_explained = unlikely(ex->proxy->conf->explain.is_on);
	bool is_recorded = unlikely(ex->record != NULL);
	if (is_told || is_logged || is_explained || is_recorded)
		fill_outcome(ex, &outcome);
	if (is_recorded)
		record_end(ex, &outcome);
	hook_finish(ex->service->hooks, &ex->view, is_told ? &outcome : NULL);
	if (is_logged)
		add_line(ex, &outcome);
	if (is_explained)
		story_end(ex, &outcome);
}
