#include "proxy/story.h"

#include <stdio.h>

#include "base/clock.h"
#include "proxy/access_line.h"
#include "proxy/failure.h"
#include "proxy/ids.h"
#include "proxy/json_out.h"
#include "proxy/view.h"

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
	struct h1_out o;
	int64_t hook_ns; /* when the hook was called */
	uint8_t hook;	 /* the state it was called in */
	bool has_failed; /* goes to the shelf of failures */
	bool is_cut;	 /* there was more to tell than fits */
	uint8_t troubles_n;
	char troubles[TROUBLES_MAX]
		     [TROUBLE_BYTES]; /* with hooks of the step that is not told yet */
	char bytes[BOARD_STORY_BYTES];
};

size_t story_bytes(void)
{
	return sizeof(struct story);
}

static struct str shortened(struct str s)
{
	return (struct str){ s.p, s.n < PATH_MAX_BYTES ? s.n : PATH_MAX_BYTES };
}

static void tell_head(struct story *s, const struct exchange *ex)
{
	const struct neap_request *v = &ex->view;
	char id[IDS_TEXT_MAX], ip[INET6_ADDRSTRLEN];

	json_begin(&s->o, NULL, '{');
	json_some(&s->o, "id", ids_text(ex, id));
	json_time(&s->o, v->time);
	json_some(&s->o, "service", str_of(ex->service->conf->name));
	json_some(&s->o, "client", hook_client_ip(v, ip));
	json_some(&s->o, "method", (struct str){ v->method, v->method_n });
	json_some(&s->o, "host", shortened((struct str){ v->host, v->host_n }));
	json_some(&s->o, "path", shortened((struct str){ v->path, v->path_n }));
	json_begin(&s->o, "steps", '[');
}

static void on_trouble(struct neap_request *view, uint32_t hook, const char *why, const char *then);

static struct story *begin(struct exchange *ex)
{
	struct story *s = slab_take(&ex->proxy->stories);

	ex->story = s;
	if (s == NULL)
		return NULL;
	h1_out_init(&s->o, s->bytes, sizeof(s->bytes) - TAIL_BYTES);
	s->hook = EX_END;
	s->has_failed = s->is_cut = false;
	s->troubles_n = 0;
	ex->view.on_trouble = on_trouble;
	tell_head(s, ex);
	return s;
}

void story_begin(struct exchange *ex)
{
	struct proxy *p = ex->proxy;

	if (p->conf->explain.every == 0 || ++p->stories_skipped < p->conf->explain.every)
		return;
	p->stories_skipped = 0;
	(void)begin(ex);
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

/* ---- who may serve ---- */

struct member {
	int32_t slot;
	int32_t tier;
	char name[160];
	char why[WHY_MAX]; /* "": it may */
};

static bool is_tried(const struct exchange *ex, int32_t slot)
{
	for (uint32_t i = 0; i < ex->view.tried_n; i++) {
		if (ex->view.tried[i] == slot)
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

/* In a panic those that are down are used too. */
static void judge(const struct exchange *ex, bool panics, int32_t slot, char to[WHY_MAX])
{
	const struct board *b = ex->proxy->board;
	const struct board_backend *row = &b->backends[slot];
	enum board_state state = board_state(b, slot);
	uint32_t slots = atomic_load_explicit(&row->slots, memory_order_relaxed);
	uint32_t inflight = slots > 0 ? board_inflight(b, slot) : 0;

	to[0] = '\0';
	if (state == STATE_DOWN && !panics)
		say_state(b, slot, "down", to);
	else if (state == STATE_DRAIN)
		say_state(b, slot, "draining", to);
	else if (state == STATE_EJECTED && !panics)
		say_state(b, slot, "ejected", to);
	else if (is_tried(ex, slot))
		(void)snprintf(to, WHY_MAX, "tried already");
	else if (slots > 0 && inflight >= slots)
		(void)snprintf(to, WHY_MAX, "full: %u of %u slots", inflight, slots);
	else if (atomic_load_explicit(&row->weight, memory_order_relaxed) == 0)
		(void)snprintf(to, WHY_MAX, "weight 0");
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

static unsigned look_at_members(const struct exchange *ex, struct member *m, unsigned *all)
{
	const struct board *b = ex->proxy->board;
	int pool = board_pool_find(b, str_of(ex->proxy->conf->pools[ex->view.pool].name));
	static int32_t slots[BOARD_BACKENDS_MAX];

	*all = 0;
	if (pool == BOARD_NONE)
		return 0;
	bool panics = atomic_load_explicit(&b->pools[pool].panics, memory_order_relaxed) != 0;
	unsigned n = board_pool_members(b, pool, slots, BOARD_BACKENDS_MAX), seen = 0;
	*all = n;
	for (unsigned i = 0; i < n && seen < LOOKED_AT; i++) {
		struct backend *backend = upstream_backend(
			&ex->proxy->upstream, slots[i],
			atomic_load_explicit(&b->backends[slots[i]].epoch, memory_order_relaxed));
		if (backend == NULL)
			continue;
		m[seen].slot = slots[i];
		m[seen].tier =
			atomic_load_explicit(&b->backends[slots[i]].tier, memory_order_relaxed);
		(void)str_copy(m[seen].name, sizeof(m[seen].name), str_of(backend->name));
		judge(ex, panics, slots[i], m[seen].why);
		seen++;
	}
	judge_tiers(m, seen);
	return seen;
}

static unsigned tell_eligible(struct h1_out *o, const struct member *m, unsigned n)
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

static void tell_others(struct h1_out *o, const struct member *m, unsigned n)
{
	unsigned told = 0;

	json_begin(o, "not_eligible", '{');
	for (unsigned i = 0; i < n; i++) {
		if (m[i].why[0] != '\0' && told++ < NAMED_MAX)
			json_some(o, m[i].name, str_of(m[i].why));
	}
	json_end(o, '}');
}

static void tell_members(struct story *s, const struct exchange *ex)
{
	static struct member members[LOOKED_AT];
	unsigned all, n = look_at_members(ex, members, &all);

	json_some(&s->o, "pool", str_of(ex->proxy->conf->pools[ex->view.pool].name));
	json_number(&s->o, "members", all);
	if (n < all)
		json_number(&s->o, "looked_at", n);
	json_number(&s->o, "eligible_count", tell_eligible(&s->o, members, n));
	tell_others(&s->o, members, n);
}

/* ---- hooks and attempts ---- */

void story_step(struct exchange *ex)
{
	if (ex->state != EX_DECIDE && ex->state != EX_PICK && ex->state != EX_FAILED)
		return;
	ex->story->hook = ex->state;
	ex->story->hook_ns = clock_now_ns();
}

static const char *asked_word(uint8_t state)
{
	return state == EX_DECIDE ? "decide" : state == EX_PICK ? "pick" : "failed";
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

/* Of a hook that decides it is told with the decision, else (`response`) in a step of its own. */
static void on_trouble(struct neap_request *view, uint32_t hook, const char *why, const char *then)
{
	struct story *s = container_of(view, struct exchange, view)->story;

	if (s == NULL || s->troubles_n == TROUBLES_MAX)
		return;
	char *to = s->troubles[s->troubles_n++];
	if (why == NULL)
		(void)snprintf(to, TROUBLE_BYTES, "%s is left out (it kept failing); %s",
			       hook_word(hook), then);
	else
		(void)snprintf(to, TROUBLE_BYTES, "%s erred: %.*s; %s", hook_word(hook),
			       TROUBLE_BYTES - 64, why, then);
	if (s->hook != EX_END)
		return;
	struct step step = step_begin(s);
	json_some(&s->o, "hook", str_of(hook_word(hook)));
	tell_troubles(s);
	step_end(step);
}

void story_verdict(struct exchange *ex, enum neap_verdict verdict)
{
	struct story *s = ex->story;

	if (verdict == NEAP_WAIT || s->hook == EX_END)
		return;
	struct step step = step_begin(s);
	json_some(&s->o, "hook", str_of(asked_word(s->hook)));
	json_seconds(&s->o, "took", (double)(clock_now_ns() - s->hook_ns) / 1e9);
	json_some(&s->o, "returned", str_of(verdict_word(verdict)));
	if (verdict == NEAP_BACKEND) {
		const struct backend *b = view_backend(ex);
		json_some(&s->o, "backend", str_of(b != NULL ? b->name : "gone"));
	}
	if (verdict == NEAP_NONE)
		json_some(&s->o, "reason", str_of(ex->view.reason));
	tell_troubles(s);
	if (s->hook != EX_FAILED && ex->view.pool >= 0 && verdict != NEAP_REPLY)
		tell_members(s, ex);
	step_end(step);
	s->hook = EX_END;
}

void story_failed(struct exchange *ex)
{
	const struct neap_failure *f = &ex->failure;
	struct story *s = ex->story != NULL ? ex->story : begin(ex);

	if (s == NULL)
		return;
	s->has_failed = true;
	struct step step = step_begin(s);
	json_number(&s->o, "attempt", ex->view.attempt);
	json_some(&s->o, "backend", str_of(ex->at.backend != NULL ? ex->at.backend->name : "gone"));
	json_some(&s->o, "stage", str_of(failure_stage(f)));
	json_some(&s->o, "kind", str_of(failure_kind(f)));
	if (f->status != 0)
		json_number(&s->o, "status", f->status);
	json_some(&s->o, "message", str_of(f->message));
	json_some(&s->o, "again",
		  f->safe != 0 ? STR("it may be sent again") : STR("it may not be sent again"));
	step_end(step);
	s->hook = EX_FAILED;
	s->hook_ns = clock_now_ns();
}

/* ---- the end ---- */

static void tell_outcome(struct story *s, const struct exchange *ex, const struct neap_outcome *o)
{
	struct backend *b = upstream_backend(&ex->proxy->upstream, o->slot, o->epoch);

	s->o.cap = sizeof(s->bytes) - 1;
	json_end(&s->o, ']');
	if (s->is_cut)
		json_some(&s->o, "cut", STR("there were more steps than there is room for"));
	json_number(&s->o, "status", o->status);
	json_number(&s->o, "bytes", o->bytes);
	json_number(&s->o, "attempts", o->attempts);
	json_some(&s->o, "pool",
		  str_of(ex->view.pool >= 0 ? ex->proxy->conf->pools[ex->view.pool].name : ""));
	json_some(&s->o, "backend", str_of(b != NULL ? b->name : ""));
	access_line_tell_times(&s->o, o);
	json_end(&s->o, '}');
}

/* Ours, not a backend's answer of 5xx: worth a story even if nobody began one. */
static bool is_failure(const struct exchange *ex, const struct neap_outcome *o)
{
	bool is_ours = o->status >= 500 && o->reason != NULL && o->reason[0] != '\0';
	return (is_ours && ex->req.refusal.status == 0) || ex->truncated || ex->was_cut;
}

void story_end(struct exchange *ex, const struct neap_outcome *o)
{
	bool has_failed = is_failure(ex, o);
	struct story *s = ex->story;

	if (s == NULL && has_failed) {
		s = begin(ex);
		if (s != NULL && ex->view.pool >= 0) {
			struct step step = step_begin(s);
			tell_members(s, ex);
			step_end(step);
		}
	}
	if (s == NULL)
		return;
	tell_outcome(s, ex, o);
	if (!s->o.full)
		board_story_put(ex->proxy->board,
				has_failed || s->has_failed ? BOARD_SHELF_FAILED
							    : BOARD_SHELF_SAMPLED,
				(struct str){ s->o.p, s->o.n });
	ex->view.on_trouble = NULL;
	slab_put(&ex->proxy->stories, s);
	ex->story = NULL;
}
