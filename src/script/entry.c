#include "script/entry.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "script/place.h"
#include "script/trip.h"
#include "shm/stats.h"

enum { HOOK_WAIT_MS = 5000 };

static enum neap_verdict give_up_entry(neap_request *r, enum entry entry)
{
	if (entry == ENTRY_FAILED || entry == ENTRY_RESPONSE)
		return NEAP_FAIL;
	if (entry != ENTRY_DECIDE)
		return NEAP_DONE;
	(void)str_copy(r->reason, sizeof r->reason, STR("no decision"));
	return NEAP_NONE;
}

/* These guard what begins requests: where they fail, none begins. */
static bool is_gate(enum entry entry)
{
	return entry == ENTRY_CONNECTION || entry == ENTRY_KEY;
}

/* The default may not stand in for the hook that failed. */
static enum neap_verdict refuse_request(const struct hooks *h, neap_request *r, enum entry entry)
{
	if (entry == ENTRY_DECIDE || is_gate(entry) ||
	    (h->mercy == MERCY_NONE && entry < ENTRY_LOG))
		return NEAP_REFUSE;
	return give_up_entry(r, entry);
}

static bool is_strict(const struct hooks *h, enum entry entry)
{
	return h->mercy != MERCY_DEFAULT && (entry < ENTRY_LOG || is_gate(entry));
}

static void on_entry_end(struct co *co, enum co_result result, bool is_too_late);

void entry_drop_reply(neap_request *r)
{
	free(r->reply.headers);
	if (r->reply.is_kept == 0)
		free(r->reply.body);
	r->reply = (neap_reply){ 0 };
}

/* What a hook hears that waited too long. */
static const char *too_late(const struct co *co)
{
	return co->kind == ENTRY_CERTIFICATE
		       ? "did not answer in time (nine tenths of timeouts.handshake)"
		       : "did not answer in time (5 s, or what the request had left)";
}

/*
 * An entry failed in a hook. The next entry leaves out that hook and those before it, which have
 * done their part. false: the default had its turn already.
 */
static bool fall_back(struct hooks *h, struct co *co, uint32_t *skip, bool is_too_late)
{
	uint32_t id = place_hook(is_too_late ? co->hook : *h->cos->current.hook);
	neap_request *r = co->request;
	const char *why = is_too_late ? too_late(co) : NULL;
	trip_report(h, co, id < HOOKS ? id : HOOK_PICK, why);
	bool has_default_failed = (*skip >> id & 1) != 0;
	trip_tell_error(h, co, id < HOOKS ? id : HOOK_PICK, why, has_default_failed);
	*skip |= (2u << id) - 1;
	r->co = NULL;
	entry_drop_reply(r);
	if (co->response != NULL)
		co->response->erred = 1;
	co_drop(co);
	vm_look_at_garbage(h->vm);
	return !has_default_failed;
}

/* It is over with its request at the latest. */
static void bound(struct wait *w, const neap_request *r)
{
	bool is_less = r->deadline_ms != 0 && r->deadline_ms < w->own_deadline_ms;
	w->deadline_ms = is_less ? r->deadline_ms : w->own_deadline_ms;
}

/* A handshake has a deadline of its own. */
static void set_deadline(struct wait *w, const neap_request *r, enum entry entry)
{
	bool is_handshake = entry == ENTRY_CERTIFICATE && r->deadline_ms != 0;
	w->own_deadline_ms = is_handshake ? r->deadline_ms
					  : loop_now_ms(w->io->loop) + HOOK_WAIT_MS;
	bound(w, r);
}

void entry_look_at_deadline(struct co *co)
{
	if (co->request != NULL && co->wait.own_deadline_ms != 0)
		bound(&co->wait, co->request);
}

static enum neap_may_wait may_wait(enum entry entry)
{
	if (entry <= ENTRY_FAILED || entry == ENTRY_CERTIFICATE)
		return NEAP_WAITS;
	return entry == ENTRY_RESPONSE ? NEAP_WAITS_FOR_BODY : NEAP_WAITS_NOT;
}

void entry_prepare(struct co *co, struct hooks *h, neap_request *r, enum entry entry)
{
	co->request = r;
	co->owner = h;
	co->kind = entry;
	co->ticks = FUSE_TICKS_HOOK;
	co->on_end = on_entry_end;
	co->may_wait = (uint8_t)may_wait(entry);
	co->is_costed = entry != ENTRY_SHADOW;
	set_deadline(&co->wait, r, entry);
}

/* These have an answer of neap's or the config's own, which stands in for the hook. */
static bool has_default(enum entry entry)
{
	return entry <= ENTRY_FAILED || entry == ENTRY_ERROR;
}

/* `log` and the access log's function do not stand in for each other. */
static bool is_nothing_left(const struct hooks *h, enum entry entry, uint32_t skip)
{
	return (hooks_called[entry] & h->have & ~skip) == 0;
}

static bool is_worth_entering(const struct hooks *h, enum entry entry, uint32_t skip)
{
	return has_default(entry) || !is_nothing_left(h, entry, skip);
}

/* The hook to blame for an error before Lua says which hook it is in. */
static uint32_t first_hook(const struct hooks *h, enum entry entry, uint32_t skip)
{
	uint32_t left = hooks_called[entry] & h->have & ~skip;
	return left == 0 ? HOOK_PICK : (uint32_t)__builtin_ctz(left);
}

/* The default works even when a policy has used up the memory. */
static enum memory_user user_of(const struct hooks *h, enum entry entry, uint32_t skip)
{
	if (is_nothing_left(h, entry, skip))
		return MEMORY_OF_RUNTIME;
	if (likely(h->table->hoarder.service == HOARDER_NONE))
		return MEMORY_OF_POLICY;
	return h->table->hoarder.service == (int)h->service ? MEMORY_OF_HOARDER : MEMORY_OF_OTHERS;
}

/* Too many hooks wait, or there is no memory for another coroutine. */
static enum neap_verdict out_of_cos(struct hooks *h, neap_request *r, enum entry entry)
{
	uint32_t skipped;
	char more[LOG_LEFT_OUT_MAX];
	if (log_may(&h->no_co, loop_now_ms(h->cos->loop), &skipped))
		log_error("service %s: no coroutine for its hooks (%u of at most %u are in use, "
			  "Lua has %zu MiB): the request was not decided%s",
			  hooks_service(h), h->cos->n, h->cos->max, h->vm->memory.used >> 20,
			  log_left_out(more, skipped));
	return is_strict(h, entry) ? refuse_request(h, r, entry) : give_up_entry(r, entry);
}

/* Enters Lua, and enters again without the hook that failed, until there is a verdict. */
static enum neap_verdict enter_lua(struct hooks *h, neap_request *r, enum entry entry,
				   uint32_t skip, const struct entry_details *details)
{
	for (;;) {
		struct co *co = co_take(h->cos);
		uint32_t verdict = 0;
		if (unlikely(co == NULL))
			return out_of_cos(h, r, entry);
		entry_prepare(co, h, r, entry);
		co->response = details->response;
		co->failure = details->failure;
		co->outcome = details->outcome;
		co->skip = skip;
		co->memory_user = user_of(h, entry, skip);
		co->trying = details->trying;
		*h->cos->current.hook = place_of(h->service, first_hook(h, entry, skip));
		enum co_result result = co_run(co, h->entries[entry], skip, &verdict);
		if (likely(result == CO_DONE)) {
			co_put(co);
			return (enum neap_verdict)verdict;
		}
		if (result == CO_WAITING) {
			r->co = co;
			return NEAP_WAIT;
		}
		bool may_go_on = fall_back(h, co, &skip, false);
		if (is_strict(h, entry))
			return refuse_request(h, r, entry);
		if (!may_go_on || !is_worth_entering(h, entry, skip))
			return give_up_entry(r, entry);
	}
}

/* Reading the clock for each call costs too much: some calls are timed and stand for the others. */
static enum neap_verdict enter_counted(struct hooks *h, neap_request *r, enum entry entry,
				       uint32_t skip, const struct entry_details *details)
{
	struct board_entry *count = &h->counts[entry];
	uint64_t calls = stat_get(&count->calls) + 1;
	atomic_store_explicit(&count->calls, calls, memory_order_relaxed);
	if (likely(calls % BOARD_ENTRY_SAMPLE != 0))
		return enter_lua(h, r, entry, skip, details);
	int64_t began_ns = clock_now_ns();
	cost_begin(&h->cos->cost, BOARD_ENTRY_SAMPLE);
	enum neap_verdict verdict = enter_lua(h, r, entry, skip, details);
	cost_end(&h->cos->cost);
	stat_add(&count->ns, (uint64_t)(clock_now_ns() - began_ns) * BOARD_ENTRY_SAMPLE);
	return verdict;
}

/*
 * Some hooks are tripped. true: the entry goes on without them; false: *verdict says what follows.
 */
static bool may_leave_out(struct hooks *h, neap_request *r, enum entry entry, uint32_t left_out,
			  enum neap_verdict *verdict)
{
	trip_tell_left_out(h, r, left_out);
	if (is_strict(h, entry)) {
		*verdict = refuse_request(h, r, entry);
		return false;
	}
	*verdict = NEAP_DONE;
	return is_worth_entering(h, entry, left_out);
}

/* An entry that waited has ended: the exchange gets the verdict. */
static void on_entry_end(struct co *co, enum co_result result, bool is_too_late)
{
	struct hooks *h = co->owner;
	neap_request *r = co->request;
	enum entry entry = (enum entry)co->kind;
	uint32_t skip = co->skip, trying = co->trying;
	uint32_t verdict;
	if (result == CO_DONE) {
		verdict = co_verdict(co);
		r->co = NULL;
		co_put(co);
	} else {
		neap_failure failure = co->failure_kept;
		struct entry_details details = { .failure = &failure, .trying = trying };
		bool may_go_on = fall_back(h, co, &skip, is_too_late);
		if (is_strict(h, entry))
			verdict = refuse_request(h, r, entry);
		else
			verdict = may_go_on && is_worth_entering(h, entry, skip)
					  ? enter_lua(h, r, entry, skip, &details)
					  : give_up_entry(r, entry);
	}
	if (verdict == NEAP_WAIT)
		return;
	trip_settle(h, trying, r->ran);
	r->on_resumed(r, verdict);
}

enum neap_verdict entry_call(struct hooks *h, neap_request *r, enum entry entry, uint32_t skip,
			     struct entry_details *details)
{
	enum neap_verdict verdict;
	uint32_t left_out = trip_look(h, entry, skip, &details->trying);
	r->ran = 0;
	if (likely(left_out == 0) || may_leave_out(h, r, entry, left_out, &verdict))
		verdict = enter_counted(h, r, entry, skip | left_out, details);
	if (unlikely(details->trying != 0) && verdict != NEAP_WAIT)
		trip_settle(h, details->trying, r->ran);
	vm_look_at_garbage(h->vm);
	return verdict;
}
