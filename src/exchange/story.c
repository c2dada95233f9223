#include "exchange/story.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "exchange/access_line.h"
#include "exchange/failure.h"
#include "exchange/ids.h"
#include "exchange/tls_line.h"
#include "exchange/view.h"
#include "net/trim.h"
#include "shm/board.h"
#include "shm/board_cell.h"
#include "shm/board_pool.h"
#include "shm/board_serve.h"
#include "shm/board_state.h"
#include "shm/board_story.h"
#include "shm/board_suspect.h"
#include "shm/hook_id.h"

enum {
	NAMED_MAX = 16,	  /* backends that are named; the others are counted */
	LOOKED_AT = 256,  /* members of a large pool that are looked at */
	TAIL_BYTES = 900, /* of a story's room kept for its end */
	PATH_MAX_BYTES = 256,
	WHY_MAX = 200,
	TROUBLES_MAX = 3, /* a decision has three hooks */
	TROUBLE_BYTES = 320,
};

struct story {
	struct out o;
	int64_t hook_ns; /* when the hook was called */
	uint8_t asked;	 /* enum ask: what the hooks are asked now */
	bool has_failed; /* goes to the shelf of failures */
	bool is_cut;	 /* there was more to tell than fits */
	uint8_t troubles_n;
	char troubles[TROUBLES_MAX]
		     [TROUBLE_BYTES]; /* with hooks of the step that is not told yet */
	char bytes[BOARD_STORY_BYTES];
};

struct stories {
	struct slab slab;
	uint32_t skipped; /* requests since the last one that was told whatever became of it */
};

enum err stories_create(struct plane *p, uint32_t requests, struct error *e)
{
	p->stories = p->conf->explain.is_on ? calloc(1, sizeof(*p->stories)) : NULL;
	if (p->stories != NULL)
		trim_slab_init(p->loop, &p->stories->slab, sizeof(struct story), requests);
	else if (p->conf->explain.is_on)
		return err_set(e, ERR_MEMORY, "no memory for the stories");
	return ERR_OK;
}

void stories_destroy(struct plane *p)
{
	if (p->stories != NULL)
		slab_fini(&p->stories->slab);
	free(p->stories);
	p->stories = NULL;
}

static struct str shortened(struct str s)
{
	return (struct str){ s.p, s.n < PATH_MAX_BYTES ? s.n : PATH_MAX_BYTES };
}

/* Whole or not at all. */
static void tell_tls(struct story *s, const struct request *rq)
{
	size_t before = s->o.n;
	struct tls_line l;

	if (!tls_line_look(&l, rq))
		return;
	tls_line_shorten(&l, PATH_MAX_BYTES);
	tls_line_tell(&s->o, &l);
	if (!s->o.full)
		return;
	s->o.n = before;
	s->o.full = false;
}

static void tell_head(struct story *s, const struct request *rq)
{
	const struct neap_request *v = &rq->view;
	char id[IDS_TEXT_MAX], ip[INET6_ADDRSTRLEN];

	json_begin(&s->o, NULL, '{');
	json_some(&s->o, "id", ids_text(rq, id));
	json_time(&s->o, v->time);
	json_some(&s->o, "service", str_of(rq->service->conf->name));
	json_some(&s->o, "client", hook_client_ip(v, ip));
	json_some(&s->o, "method", (struct str){ v->method, v->method_n });
	json_some(&s->o, "host", shortened((struct str){ v->host, v->host_n }));
	json_some(&s->o, "path", shortened((struct str){ v->path, v->path_n }));
	if (v->is_tcp == 0 && v->method_n > 0)
		json_some(&s->o, "version", http_version(v->minor));
	if (rq->h2_stream != 0)
		json_number(&s->o, "stream", (uint32_t)rq->h2_stream);
	if (rq->role == REQUEST_COPY)
		json_number(&s->o, "copy", 1);
	tell_tls(s, rq);
	json_begin(&s->o, "steps", '[');
}

static void on_trouble(struct neap_request *view, uint32_t hook, const char *why, const char *then);

static struct story *begin(struct request *rq)
{
	struct story *s = slab_take(&rq->plane->stories->slab);

	rq->story = s;
	if (s == NULL)
		return NULL;
	out_init(&s->o, s->bytes, sizeof(s->bytes) - TAIL_BYTES);
	s->asked = ASK_NOTHING;
	s->has_failed = s->is_cut = false;
	s->troubles_n = 0;
	rq->view.on_trouble = on_trouble;
	tell_head(s, rq);
	return s;
}

void story_begin(struct request *rq)
{
	struct plane *p = rq->plane;

	if (p->conf->explain.every == 0 || ++p->stories->skipped < p->conf->explain.every)
		return;
	p->stories->skipped = 0;
	(void)begin(rq);
}

void story_copy(struct request *rq)
{
	(void)begin(rq);
}

/* ---- steps ---- */

/* Each is told whole or not at all. */
struct step {
	struct story *s;
	size_t before;
};

static struct step step_begin(struct story *s)
{
	struct step step = { s, s->o.n };
	json_begin(&s->o, NULL, '{');
	return step;
}

static void step_end(struct step step)
{
	json_end(&step.s->o, '}');
	if (!step.s->o.full)
		return;
	step.s->o.n = step.before;
	step.s->o.full = false;
	step.s->is_cut = true;
}

/* ---- which backends may serve ---- */

struct member {
	int32_t slot;
	int32_t tier;
	char name[160];
	char why[WHY_MAX]; /* "": it may */
};

static bool is_tried(const struct request *rq, int32_t slot)
{
	for (uint32_t i = 0; i < rq->view.tried_n; i++) {
		if (rq->view.tried[i] == slot)
			return true;
	}
	return false;
}

static void say_state(const struct board *b, int32_t slot, const char *state, char to[WHY_MAX])
{
	char reason[128];

	if (board_reason(b, slot, reason, sizeof(reason)) > 0)
		(void)snprintf(to, WHY_MAX, "%s: %s", state, reason);
	else
		(void)snprintf(to, WHY_MAX, "%s", state);
}

/* Why it gets nothing; "": it may get this request. */
static void judge(const struct request *rq, const struct board_serving *serving, int32_t slot,
		  char to[WHY_MAX])
{
	const struct board *b = rq->plane->board;
	enum board_state state = board_state(b, slot);

	to[0] = '\0';
	if (!board_state_serves(b, slot, serving))
		say_state(b, slot, state == STATE_DRAIN ? "draining" : board_state_word(state), to);
	else if (!board_has_weight(b, slot))
		(void)snprintf(to, WHY_MAX, "weight 0");
	else if (is_tried(rq, slot))
		(void)snprintf(to, WHY_MAX, "tried already");
	else if (!board_has_room(b, slot))
		(void)snprintf(to, WHY_MAX, "full: %u of %u slots", board_inflight(b, slot),
			       atomic_load_explicit(&b->backends[slot].slots,
						    memory_order_relaxed));
}

static int32_t lowest_tier(const struct member *m, unsigned n)
{
	int32_t lowest = INT32_MAX;

	for (unsigned i = 0; i < n; i++) {
		if (m[i].why[0] == '\0' && m[i].tier < lowest)
			lowest = m[i].tier;
	}
	return lowest;
}

static void judge_tiers(struct member *m, unsigned n)
{
	int32_t lowest = lowest_tier(m, n);

	for (unsigned i = 0; i < n; i++) {
		if (m[i].why[0] == '\0' && m[i].tier > lowest)
			(void)snprintf(m[i].why, WHY_MAX, "tier %d, and tier %d has some",
				       m[i].tier, lowest);
	}
}

static unsigned look_at_members(const struct request *rq, struct member *m, unsigned *all)
{
	const struct board *b = rq->plane->board;
	int pool = board_pool_find(b, str_of(rq->plane->conf->pools[rq->view.pool].name));
	static int32_t slots[BOARD_BACKENDS_MAX];

	*all = 0;
	if (pool == BOARD_NONE)
		return 0;
	struct board_serving serving = board_serving(b, pool);
	unsigned n = board_pool_members(b, pool, slots, BOARD_BACKENDS_MAX), seen = 0;
	*all = n;
	for (unsigned i = 0; i < n && seen < LOOKED_AT; i++) {
		struct backend *backend = upstream_backend(
			&rq->plane->upstream, slots[i],
			atomic_load_explicit(&b->backends[slots[i]].epoch, memory_order_relaxed));
		if (backend == NULL)
			continue;
		m[seen].slot = slots[i];
		m[seen].tier = board_tier(b, slots[i]);
		(void)str_copy(m[seen].name, sizeof(m[seen].name), str_of(backend->name));
		judge(rq, &serving, slots[i], m[seen].why);
		seen++;
	}
	judge_tiers(m, seen);
	return seen;
}

static unsigned tell_eligible(struct out *o, const struct member *m, unsigned n)
{
	unsigned count = 0;

	json_begin(o, "eligible", '[');
	for (unsigned i = 0; i < n; i++) {
		if (m[i].why[0] != '\0' || count++ >= NAMED_MAX)
			continue;
		json_next(o);
		json_string(o, str_of(m[i].name));
	}
	json_end(o, ']');
	return count;
}

static void tell_others(struct out *o, const struct member *m, unsigned n)
{
	unsigned told = 0;

	json_begin(o, "not_eligible", '{');
	for (unsigned i = 0; i < n; i++) {
		if (m[i].why[0] != '\0' && told++ < NAMED_MAX)
			json_named(o, str_of(m[i].name), str_of(m[i].why));
	}
	json_end(o, '}');
}

/* Those that may serve, though requests failed there lately. */
static void tell_suspects(struct out *o, const struct request *rq, const struct member *m,
			  unsigned n)
{
	const struct board *b = rq->plane->board;
	char reason[BOARD_REASON_WORDS * 8], why[WHY_MAX];
	unsigned told = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t failures = board_suspicion(b, m[i].slot);
		if (failures == 0 || m[i].why[0] != '\0' || told++ >= NAMED_MAX)
			continue;
		if (told == 1)
			json_begin(o, "suspects", '{');
		(void)board_suspicion_reason(b, m[i].slot, reason, sizeof(reason));
		(void)snprintf(why, sizeof(why), "%u failed in a row: %s", failures, reason);
		json_some(o, m[i].name, str_of(why));
	}
	if (told > 0)
		json_end(o, '}');
}

static void tell_members(struct story *s, const struct request *rq)
{
	static struct member members[LOOKED_AT];
	unsigned all, n = look_at_members(rq, members, &all);

	json_some(&s->o, "pool", str_of(rq->plane->conf->pools[rq->view.pool].name));
	json_number(&s->o, "members", all);
	if (n < all)
		json_number(&s->o, "looked_at", n);
	json_number(&s->o, "eligible_count", tell_eligible(&s->o, members, n));
	tell_others(&s->o, members, n);
	tell_suspects(&s->o, rq, members, n);
}

/* ---- hooks and attempts ---- */

void story_ask(struct request *rq, enum ask ask)
{
	rq->story->asked = (uint8_t)ask;
	rq->story->hook_ns = clock_now_ns();
}

static const char *asked_word(uint8_t ask)
{
	return ask == ASK_DECIDE ? "decide" : ask == ASK_PICK ? "pick" : "failed";
}

static const char *verdict_word(enum neap_verdict verdict)
{
	static const char *const words[] = {
		[NEAP_BACKEND] = "a backend",
		[NEAP_REPLY] = "an answer",
		[NEAP_NONE] = "no backend",
		[NEAP_QUEUE] = "queue",
		[NEAP_RETRY] = "retry",
		[NEAP_FAIL] = "fail",
		[NEAP_REFUSE] = "an error: refused",
	};
	const char *word = (unsigned)verdict < countof(words) ? words[verdict] : NULL;
	return word != NULL ? word : "nothing";
}

static void tell_troubles(struct story *s)
{
	if (likely(s->troubles_n == 0))
		return;
	json_begin(&s->o, "trouble", '[');
	for (unsigned i = 0; i < s->troubles_n; i++) {
		json_next(&s->o);
		json_string(&s->o, str_of(s->troubles[i]));
	}
	json_end(&s->o, ']');
	s->troubles_n = 0;
}

/* If the hook decides, it is told with the decision; else (`response`) in a step of its own. */
static void on_trouble(struct neap_request *view, uint32_t hook, const char *why, const char *then)
{
	struct story *s = container_of(view, struct request, view)->story;

	if (s == NULL || s->troubles_n == TROUBLES_MAX)
		return;
	char *to = s->troubles[s->troubles_n++];
	if (why == NULL)
		(void)snprintf(to, TROUBLE_BYTES, "%s is left out (it kept failing); %s",
			       hook_word(hook), then);
	else
		(void)snprintf(to, TROUBLE_BYTES, "%s erred: %.*s; %s", hook_word(hook),
			       TROUBLE_BYTES - 64, why, then);
	if (s->asked != ASK_NOTHING)
		return;
	struct step step = step_begin(s);
	json_some(&s->o, "hook", str_of(hook_word(hook)));
	tell_troubles(s);
	step_end(step);
}

void story_verdict(struct request *rq, enum neap_verdict verdict)
{
	struct story *s = rq->story;

	if (verdict == NEAP_WAIT || s->asked == ASK_NOTHING)
		return;
	struct step step = step_begin(s);
	json_some(&s->o, "hook", str_of(asked_word(s->asked)));
	json_seconds(&s->o, "took", (double)(clock_now_ns() - s->hook_ns) / 1e9);
	if (unlikely(rq->gathered_us > 0))
		json_seconds(&s->o, "body", (double)rq->gathered_us / 1e6);
	rq->gathered_us = 0;
	json_some(&s->o, "returned", str_of(verdict_word(verdict)));
	if (verdict == NEAP_BACKEND) {
		const struct backend *b = view_backend(rq);
		json_some(&s->o, "backend", str_of(b != NULL ? b->name : "gone"));
	}
	if (verdict == NEAP_NONE || (verdict == NEAP_REPLY && rq->view.reason[0] != 0))
		json_some(&s->o, "reason", str_of(rq->view.reason));
	tell_troubles(s);
	if (s->asked != ASK_FAILED && rq->view.pool >= 0 && verdict != NEAP_REPLY)
		tell_members(s, rq);
	step_end(step);
	s->asked = ASK_NOTHING;
}

void story_failed(struct request *rq)
{
	const struct neap_failure *f = &rq->failure;
	struct story *s = rq->story != NULL ? rq->story : begin(rq);

	if (s == NULL)
		return;
	s->has_failed = true;
	struct step step = step_begin(s);
	json_number(&s->o, "attempt", rq->view.attempt);
	json_some(&s->o, "backend", str_of(rq->backend != NULL ? rq->backend->name : "gone"));
	json_some(&s->o, "stage", str_of(failure_stage(f)));
	json_some(&s->o, "kind", str_of(failure_kind(f)));
	if (f->status != 0)
		json_number(&s->o, "status", f->status);
	if (f->grpc_status != 0)
		json_number(&s->o, "grpc_status", f->grpc_status);
	json_some(&s->o, "message", str_of(f->message));
	json_some(&s->o, "again",
		  f->safe != 0 ? STR("it may be sent again") : STR("it may not be sent again"));
	step_end(step);
	s->asked = ASK_FAILED;
	s->hook_ns = clock_now_ns();
}

void story_mirror(struct request *rq, const char *pool, const char *what)
{
	struct step step = step_begin(rq->story);
	json_some(&rq->story->o, "mirror", str_of(pool));
	json_some(&rq->story->o, "copy", str_of(what));
	step_end(step);
}

void story_hedge(struct request *rq, const char *what)
{
	struct step step = step_begin(rq->story);
	json_some(&rq->story->o, "hedge", str_of(what));
	if (rq->backend != NULL)
		json_some(&rq->story->o, "backend", str_of(rq->backend->name));
	step_end(step);
}

static void put(struct plane *p, struct story *s)
{
	if (s != NULL)
		slab_put(&p->stories->slab, s);
}

void story_join(struct request *to, struct request *from)
{
	if (to->story == NULL) {
		to->story = from->story;
		to->view.on_trouble = from->view.on_trouble;
	} else if (from->story != to->story) {
		put(to->plane, from->story); /* both began one */
	}
	from->story = NULL;
}

/* ---- the end ---- */

static void tell_outcome(struct story *s, const struct request *rq, const struct neap_outcome *o)
{
	struct backend *b = upstream_backend(&rq->plane->upstream, o->slot, o->epoch);

	s->o.cap = sizeof(s->bytes) - 1;
	json_end(&s->o, ']');
	if (s->is_cut)
		json_some(&s->o, "cut", STR("there were more steps than there is room for"));
	json_number(&s->o, "status", o->status);
	access_line_tell_grpc(&s->o, o);
	json_number(&s->o, "bytes", o->bytes);
	json_number(&s->o, "attempts", o->attempts);
	json_some(&s->o, "pool",
		  str_of(rq->view.pool >= 0 ? rq->plane->conf->pools[rq->view.pool].name : ""));
	json_some(&s->o, "backend", str_of(b != NULL ? b->name : ""));
	access_line_tell_times(&s->o, o);
	json_end(&s->o, '}');
}

/* Ours, not a backend's answer of 5xx: worth a story even if nobody began one. */
static bool is_failure(const struct request *rq, const struct neap_outcome *o)
{
	uint32_t status = rq->is_grpc ? rq->own.status : o->status;
	bool is_ours = status >= 500 && o->reason != NULL && o->reason[0] != '\0';
	return (is_ours && rq->head.refusal.status == 0) || request_is_broken(rq) ||
	       request_was_cut(rq);
}

void story_end(struct request *rq, const struct neap_outcome *o)
{
	bool has_failed = is_failure(rq, o);
	struct story *s = rq->story;

	if (s == NULL && has_failed) {
		s = begin(rq);
		if (s != NULL && rq->view.pool >= 0) {
			struct step step = step_begin(s);
			tell_members(s, rq);
			step_end(step);
		}
	}
	if (s == NULL)
		return;
	tell_outcome(s, rq, o);
	if (!s->o.full)
		board_story_put(rq->plane->board,
				has_failed || s->has_failed ? BOARD_SHELF_FAILED
							    : BOARD_SHELF_SAMPLED,
				(struct str){ s->o.p, s->o.n });
	rq->view.on_trouble = NULL;
	put(rq->plane, s);
	rq->story = NULL;
}
