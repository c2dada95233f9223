#include "script/hook.h"

#include <inttypes.h>
#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "script/co.h"
#include "script/cost.h"
#include "script/edits.h"

enum { HOOK_WAIT_MS = 5000, ERROR_TEXT_MAX = 2048, TROUBLE_TEXT_MAX = 256 };

/* What C enters Lua for. */
enum entry { ENTRY_DECIDE, ENTRY_FAILED, ENTRY_RESPONSE, ENTRY_LOG, ENTRY_SHADOW, ENTRIES };
_Static_assert((int)ENTRY_SHADOW == (int)BOARD_ENTRIES, "the board has a cell for those before");

struct hooks {
	struct vm *vm;
	unsigned service;
	bool refuses;
	uint32_t have;		       /* bit enum hook_id */
	int entries[ENTRIES];	       /* references; LUA_NOREF: none */
	const struct board_hook *rows; /* on the board */
	struct log_limit limits[HOOKS];
	struct board_entry *counts;		      /* on the board, by entry */
	struct board_entry own_counts[BOARD_ENTRIES]; /* where no worker has any */
};

static const char *const names[HOOKS] = {
	[HOOK_REQUEST] = "request", [HOOK_BACKENDS] = "backends",      [HOOK_PICK] = "pick",
	[HOOK_FAILED] = "failed",   [HOOK_RESPONSE] = "response",      [HOOK_LOG] = "log",
	[HOOK_CHECK] = "check",	    [HOOK_DISCOVER] = "discover",      [HOOK_CHANGED] = "changed",
	[HOOK_SHADOW] = "shadow",   [HOOK_LINE] = "access_log.format",
};

/* The hooks that an entry may call; a tripped one among them is left out. */
static const uint32_t called[ENTRIES] = {
	[ENTRY_DECIDE] = 1u << HOOK_REQUEST | 1u << HOOK_BACKENDS | 1u << HOOK_PICK,
	[ENTRY_FAILED] = 1u << HOOK_FAILED,
	[ENTRY_RESPONSE] = 1u << HOOK_RESPONSE,
	[ENTRY_LOG] = 1u << HOOK_LOG | 1u << HOOK_LINE,
	[ENTRY_SHADOW] = 1u << HOOK_SHADOW,
};

/* The hook of an entry for which the default stands in. */
static const uint32_t decisive[ENTRIES] = {
	[ENTRY_DECIDE] = 1u << HOOK_PICK,
	[ENTRY_FAILED] = 1u << HOOK_FAILED,
};

struct hooks *vm_hooks(struct vm *vm, unsigned service)
{
	return service < vm->services ? &vm->hooks[service] : NULL;
}

bool hooks_have(const struct hooks *h, enum hook_id id)
{
	return (h->have >> id & 1) != 0;
}

bool hooks_tell(const struct hooks *h)
{
	return (h->have & called[ENTRY_LOG]) != 0;
}

void hook_request_init(struct neap_request *r)
{
	r->pool = -1;
	r->slot = -1;
	r->epoch = 0;
	r->outer_id_n = 0;
	r->has_state = 0;
	r->edits = NULL;
	r->new_path = NULL;
	r->new_path_n = 0;
	r->reason[0] = '\0';
	r->reply = (neap_reply){ 0 };
	r->co = NULL;
	r->on_trouble = NULL;
}

static const char *service_at(const struct vm *vm, uint32_t service)
{
	const struct conf *conf = vm->conf;
	return conf != NULL && service < conf->services_n ? conf->services[service].name : "?";
}

static const char *service_name(const struct hooks *h)
{
	return service_at(h->vm, h->service);
}

const char *hook_word(uint32_t id)
{
	return id < HOOKS ? names[id] : "?";
}

void hook_name(const struct vm *vm, char *to, size_t size)
{
	uint32_t place = *vm->current.hook;
	(void)snprintf(to, size, "hook %s of service %s", hook_word(place & 0xff),
		       service_at(vm, place >> 8));
}

/*
 * Of the hooks this entry calls, those that are tripped. Almost always none: three loads. *any: some
 * were, and may have been let through for a try.
 */
static uint32_t tripped(const struct hooks *h, enum entry entry, bool *any)
{
	struct board *b = h->vm->o.board;
	uint32_t wanted = called[entry] & h->have, mask = 0;
	*any = false;
	for (unsigned id = 0; wanted >> id != 0; id++) {
		if ((wanted >> id & 1) == 0 ||
		    likely(atomic_load_explicit(&h->rows[id].tripped_until_ms,
						memory_order_relaxed) == 0))
			continue;
		*any = true;
		if (board_hook_is_tripped(b, h->service, id, loop_now_ms(h->vm->o.loop)))
			mask |= 1u << id;
	}
	return mask;
}

/* A hook that was let through for a try has done well. */
static void note_success(struct hooks *h, enum entry entry, uint32_t skip)
{
	uint32_t ran = called[entry] & h->have & ~skip;
	for (unsigned id = 0; ran >> id != 0; id++) {
		if ((ran >> id & 1) != 0 &&
		    unlikely(atomic_load_explicit(&h->rows[id].tripped_until_ms,
						  memory_order_relaxed) != 0))
			board_hook_ok_after_trip(h->vm->o.board, h->service, id);
	}
}

/* What becomes of requests without that hook. */
static const char *without(const struct hooks *h, unsigned id)
{
	if (id == HOOK_SHADOW)
		return "nothing is compared";
	if (id == HOOK_LINE)
		return "lines are the combined ones";
	return h->refuses ? "its requests are refused" : "the default decides";
}

static void count_error(struct hooks *h, unsigned id)
{
	struct vm *vm = h->vm;
	if (vm->o.worker >= 0 && id != HOOK_SHADOW)
		atomic_fetch_add_explicit(&vm->o.board->workers[vm->o.worker].hook_errors, 1,
					  memory_order_relaxed);
	if (board_hook_error(vm->o.board, h->service, id, loop_now_ms(vm->o.loop)))
		log_error("hook %s of service %s keeps failing: it is left out for now and %s",
			  hook_word(id), service_name(h), without(h, id));
}

static const char too_late[] = "did not answer in time (5 s, or what the request had left)";

/* The error given, or (NULL) the one on co's stack. */
static void report(struct hooks *h, struct co *co, unsigned id, const char *why)
{
	char text[ERROR_TEXT_MAX], more[LOG_LEFT_OUT_MAX];
	uint32_t skipped;
	if (unlikely(h->vm->failure != NULL)) {
		vm_describe(h->vm, co->L, NULL, text, sizeof text);
		(void)err_set(h->vm->failure, ERR_SCRIPT, "%s", text);
		return;
	}
	count_error(h, id);
	if (!log_may(&h->limits[id], loop_now_ms(h->vm->o.loop), &skipped))
		return;
	vm_describe(h->vm, co->L, why, text, sizeof text);
	log_error("hook %s of service %s: %s%s", hook_word(id), service_name(h), text,
		  log_left_out(more, skipped));
}

/* What becomes of this request without that hook. */
static const char *then_what(const struct hooks *h, unsigned id, bool has_default_failed)
{
	if (id == HOOK_RESPONSE)
		return "the answer stayed as it came";
	if (id > HOOK_FAILED)
		return "nothing came of it";
	if (h->refuses)
		return id == HOOK_FAILED ? "it was not tried again" : "the request was refused";
	if (id < HOOK_PICK)
		return "it was passed over";
	return has_default_failed ? "so did the default" : "the default decided";
}

/* For the request's story; the error as report() takes it. */
static void tell_error(struct hooks *h, struct co *co, unsigned id, const char *why,
		       bool has_default_failed)
{
	neap_request *r = co->request;
	char text[TROUBLE_TEXT_MAX];
	if (likely(r->on_trouble == NULL))
		return;
	vm_describe(h->vm, co->L, why, text, sizeof text);
	r->on_trouble(r, id, text, then_what(h, id, has_default_failed));
}

static void tell_left_out(const struct hooks *h, neap_request *r, uint32_t left_out)
{
	if (likely(r->on_trouble == NULL))
		return;
	for (unsigned id = 0; left_out >> id != 0; id++) {
		if ((left_out >> id & 1) != 0)
			r->on_trouble(r, id, NULL, then_what(h, id, false));
	}
}

static enum neap_verdict give_up(neap_request *r, enum entry entry)
{
	if (entry == ENTRY_FAILED || entry == ENTRY_RESPONSE)
		return NEAP_FAIL;
	if (entry != ENTRY_DECIDE)
		return NEAP_DONE;
	(void)str_copy(r->reason, sizeof r->reason, STR("no decision"));
	return NEAP_NONE;
}

/* on_error = "refuse". */
static enum neap_verdict refuse(neap_request *r, enum entry entry)
{
	return entry == ENTRY_DECIDE ? NEAP_REFUSE : give_up(r, entry);
}

static void on_waited(struct co *co, enum co_result result, bool is_too_late);

/* The part of a view that an entry which erred may have left behind. */
static void drop_reply(neap_request *r)
{
	free(r->reply.headers);
	free(r->reply.body);
	r->reply = (neap_reply){ 0 };
}

/*
 * An entry failed in hook `id`: what comes next leaves out that hook and those before it, which
 * have done their part. false: it was the default's turn already.
 */
static bool fall_back(struct hooks *h, struct co *co, uint32_t *skip, bool is_too_late)
{
	unsigned id = (is_too_late ? co->hook : *h->vm->current.hook) & 0xff;
	neap_request *r = co->request;
	vm_use_reserve(h->vm, true);
	const char *why = is_too_late ? too_late : NULL;
	report(h, co, id < HOOKS ? id : HOOK_PICK, why);
	bool has_default_failed = (*skip >> id & 1) != 0;
	tell_error(h, co, id < HOOKS ? id : HOOK_PICK, why, has_default_failed);
	*skip |= (2u << id) - 1;
	r->co = NULL;
	drop_reply(r);
	co_drop(co);
	if (h->vm->memory.used > h->vm->memory.cap / 2)
		vm_gc_now(h->vm);
	vm_use_reserve(h->vm, false);
	return !has_default_failed;
}

static void prepare(struct co *co, struct hooks *h, neap_request *r, enum entry entry)
{
	co->request = r;
	co->owner = h;
	co->kind = entry;
	co->ticks = FUSE_TICKS_HOOK;
	co->on_end = on_waited;
	co->may_wait = entry <= ENTRY_FAILED;
	co->is_costed = entry != ENTRY_SHADOW;
	int64_t deadline_ms = loop_now_ms(h->vm->o.loop) + HOOK_WAIT_MS;
	co->deadline_ms = r->deadline_ms != 0 && r->deadline_ms < deadline_ms ? r->deadline_ms
									      : deadline_ms;
}

/* `log` and the access log's function do not stand in for each other. */
static bool is_nothing_left(const struct hooks *h, enum entry entry, uint32_t skip)
{
	return (called[entry] & h->have & ~skip) == 0;
}

struct details {
	neap_response *response;
	const neap_failure *failure;
	const neap_outcome *outcome;
};

/* Enters, and enters again without what failed, until there is a verdict. */
static enum neap_verdict enter(struct hooks *h, neap_request *r, enum entry entry, uint32_t skip,
			       const struct details *details)
{
	for (;;) {
		/* The default works where a policy has used up the memory and keeps it. */
		vm_use_reserve(h->vm, (skip & decisive[entry]) != 0);
		struct co *co = co_take(h->vm);
		uint32_t verdict = 0;
		if (unlikely(co == NULL))
			return h->refuses ? refuse(r, entry) : give_up(r, entry);
		prepare(co, h, r, entry);
		co->response = details->response;
		co->failure = details->failure;
		co->outcome = details->outcome;
		co->skip = skip;
		*h->vm->current.hook = h->service << 8 | HOOK_PICK;
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
		if (h->refuses && entry != ENTRY_LOG)
			return refuse(r, entry);
		if (!may_go_on || (entry > ENTRY_FAILED && is_nothing_left(h, entry, skip)))
			return give_up(r, entry);
	}
}

/* The clock is too dear for each call: some are timed and stand for the others. */
static enum neap_verdict enter_counted(struct hooks *h, neap_request *r, enum entry entry,
				       uint32_t skip, const struct details *details)
{
	struct board_entry *count = &h->counts[entry];
	uint64_t calls = stat_get(&count->calls) + 1;
	atomic_store_explicit(&count->calls, calls, memory_order_relaxed);
	if (likely(calls % BOARD_ENTRY_SAMPLE != 0))
		return enter(h, r, entry, skip, details);
	int64_t began_ns = clock_now_ns();
	cost_begin(h->vm, BOARD_ENTRY_SAMPLE);
	enum neap_verdict verdict = enter(h, r, entry, skip, details);
	cost_end(h->vm);
	stat_add(&count->ns, (uint64_t)(clock_now_ns() - began_ns) * BOARD_ENTRY_SAMPLE);
	return verdict;
}

static enum neap_verdict call(struct hooks *h, neap_request *r, enum entry entry, uint32_t skip,
			      const struct details *details)
{
	bool any;
	uint32_t left_out = tripped(h, entry, &any);
	if (unlikely(left_out != 0)) {
		tell_left_out(h, r, left_out & ~skip);
		if (h->refuses && entry != ENTRY_LOG)
			return refuse(r, entry);
		if (entry > ENTRY_FAILED && is_nothing_left(h, entry, left_out))
			return NEAP_DONE;
	}
	enum neap_verdict verdict = enter_counted(h, r, entry, skip | left_out, details);
	if (unlikely(any))
		note_success(h, entry, skip | left_out);
	vm_gc_look(h->vm);
	return verdict;
}

/* An entry that waited has ended: the exchange gets the verdict. */
static void on_waited(struct co *co, enum co_result result, bool is_too_late)
{
	struct hooks *h = co->owner;
	neap_request *r = co->request;
	enum entry entry = (enum entry)co->kind;
	uint32_t skip = co->skip;
	uint32_t verdict;
	if (result == CO_DONE) {
		verdict = co_verdict(co);
		r->co = NULL;
		co_put(co);
		note_success(h, entry, skip);
	} else {
		neap_failure failure = co->failure_kept;
		struct details details = { .failure = &failure };
		bool may_go_on = fall_back(h, co, &skip, is_too_late);
		if (h->refuses)
			verdict = refuse(r, entry);
		else
			verdict = may_go_on ? enter(h, r, entry, skip, &details)
					    : give_up(r, entry);
	}
	if (verdict != NEAP_WAIT)
		r->on_resumed(r, verdict);
}

enum neap_verdict hook_decide(struct hooks *h, struct neap_request *r)
{
	static const struct details none;
	return call(h, r, ENTRY_DECIDE, 0, &none);
}

enum neap_verdict hook_pick(struct hooks *h, struct neap_request *r)
{
	static const struct details none;
	return call(h, r, ENTRY_DECIDE, 1u << HOOK_REQUEST | 1u << HOOK_BACKENDS, &none);
}

/* One that held up the loop does so once, not five times. */
static enum hook_shadow shadow_erred(struct hooks *h, struct co *co, enum co_result result)
{
	struct vm *vm = h->vm;
	vm_use_reserve(vm, true);
	report(h, co, HOOK_SHADOW, result == CO_WAITING ? "a shadow may not wait" : NULL);
	if (co->slow_ms >= FUSE_TICK_MS && vm->failure == NULL) {
		board_hook_leave_out(vm->o.board, h->service, HOOK_SHADOW, loop_now_ms(vm->o.loop));
		log_error("hook shadow of service %s held the loop: nothing is compared for 30 s",
			  service_name(h));
	}
	co_drop(co);
	vm_use_reserve(vm, false);
	return SHADOW_ERRED;
}

/*
 * They share a state's memory with the real hooks: when it becomes scarce, this process asks its
 * shadows no more.
 */
static void spare_memory(struct vm *vm)
{
	vm_gc_now(vm);
	if (vm->memory.used <= vm->memory.cap / 2)
		return;
	for (unsigned i = 0; i < vm->services; i++)
		vm->hooks[i].have &= ~(1u << HOOK_SHADOW);
	log_error("Lua's memory is half full (%zu MiB): this process asks the shadows of its pools "
		  "no more",
		  vm->memory.used >> 20);
}

enum hook_shadow hook_shadow(struct hooks *h, struct neap_request *copy)
{
	uint32_t verdict = 0;
	enum hook_shadow answer;
	struct co *co = NULL;
	bool any;
	if (hooks_have(h, HOOK_SHADOW) && tripped(h, ENTRY_SHADOW, &any) == 0)
		co = co_take(h->vm);
	if (unlikely(co == NULL))
		return SHADOW_LEFT_OUT;
	vm_use_reserve(h->vm, false);
	prepare(co, h, copy, ENTRY_SHADOW);
	co->response = NULL;
	co->failure = NULL;
	co->outcome = NULL;
	co->skip = 0;
	*h->vm->current.hook = h->service << 8 | HOOK_SHADOW;
	enum co_result result = co_run(co, h->entries[ENTRY_SHADOW], (double)copy->slot, &verdict);
	if (likely(result == CO_DONE)) {
		co_put(co);
		if (unlikely(any))
			note_success(h, ENTRY_SHADOW, 0);
		answer = verdict == NEAP_BACKEND ? SHADOW_PICKED : SHADOW_NONE;
	} else {
		answer = shadow_erred(h, co, result);
	}
	vm_gc_look(h->vm);
	if (unlikely(h->vm->memory.used > h->vm->memory.cap / 2))
		spare_memory(h->vm);
	return answer;
}

enum neap_verdict hook_failed(struct hooks *h, struct neap_request *r, const struct neap_failure *f)
{
	struct details details = { .failure = f };
	return call(h, r, ENTRY_FAILED, 0, &details);
}

void hook_response(struct hooks *h, struct neap_request *r, struct neap_response *response)
{
	struct details details = { .response = response };
	if (!hooks_have(h, HOOK_RESPONSE) || call(h, r, ENTRY_RESPONSE, 0, &details) != NEAP_FAIL)
		return;
	edits_free(response->edits); /* what it did before it erred */
	response->edits = NULL;
}

/* What Lua keeps of the request goes. Neither call can fail: nothing is allocated. */
static void forget(struct vm *vm, const neap_request *r)
{
	lua_rawgeti(vm->L, LUA_REGISTRYINDEX, vm->requests);
	lua_pushnumber(vm->L, (lua_Number)r->id);
	lua_pushnil(vm->L);
	lua_rawset(vm->L, -3);
	lua_pop(vm->L, 1);
}

void hook_finish(struct hooks *h, struct neap_request *r, const struct neap_outcome *o)
{
	struct details details = { .outcome = o };
	h->vm->line.answer = -1;
	hook_cancel(r);
	if (o != NULL && hooks_tell(h))
		(void)call(h, r, ENTRY_LOG, 0, &details);
	if (r->has_state != 0)
		forget(h->vm, r);
	r->has_state = 0;
	edits_free(r->edits);
	r->edits = NULL;
	free(r->new_path);
	r->new_path = NULL;
	drop_reply(r);
}

struct str hook_request_id(const struct neap_request *r, char *to, size_t size)
{
	if (r->outer_id_n > 0)
		return (struct str){ r->outer_id, r->outer_id_n };
	int n = snprintf(to, size, "%08" PRIx32 "-%" PRIx64, vm_current()->id_prefix, r->id);
	return (struct str){ to, n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1 };
}

struct str hook_client_ip(const struct neap_request *r, char to[INET6_ADDRSTRLEN])
{
	struct peer peer = { .family = r->ip_family };
	memcpy(peer.ip, r->ip, sizeof peer.ip);
	return (struct str){ to, peer_print_ip(&peer, to) };
}

int hook_line(const struct hooks *h, struct str *line)
{
	*line = (struct str){ h->vm->line.text, h->vm->line.n };
	return h->vm->line.answer;
}

void hook_cancel(struct neap_request *r)
{
	if (r->co == NULL)
		return;
	co_drop(r->co);
	r->co = NULL;
}

static int take_entry(lua_State *L, const char *name)
{
	lua_getfield(L, -1, name);
	return luaL_ref(L, LUA_REGISTRYINDEX); /* nil: LUA_REFNIL, never entered */
}

static uint32_t take_have(lua_State *L)
{
	uint32_t have = 0;
	lua_getfield(L, -1, "have");
	for (unsigned id = 0; id < HOOKS; id++) {
		lua_getfield(L, -1, names[id]);
		if (lua_toboolean(L, -1))
			have |= 1u << id;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return have;
}

static struct board_entry *counts_of(struct hooks *h)
{
	const struct vm_options *o = &h->vm->o;
	if (o->worker < 0)
		return h->own_counts;
	return board_service_cell(o->board, (unsigned)o->worker, h->service,
				  str_of(service_name(h)))
		->entries;
}

void hooks_build(struct vm *vm)
{
	lua_State *L = vm->L;
	unsigned n = (unsigned)lua_objlen(L, -1);
	vm->hooks = calloc(n + 1, sizeof *vm->hooks);
	if (vm->hooks == NULL)
		(void)luaL_error(L, "out of memory");
	for (unsigned i = 0; i < n; i++) {
		struct hooks *h = &vm->hooks[i];
		h->vm = vm;
		h->service = i;
		h->rows = vm->o.board->hooks[i];
		h->counts = counts_of(h);
		lua_rawgeti(L, -1, (int)i + 1);
		lua_getfield(L, -1, "refuse");
		h->refuses = lua_toboolean(L, -1) != 0;
		lua_pop(L, 1);
		h->entries[ENTRY_DECIDE] = take_entry(L, "decide");
		h->entries[ENTRY_FAILED] = take_entry(L, "failed");
		h->entries[ENTRY_RESPONSE] = take_entry(L, "response");
		h->entries[ENTRY_LOG] = take_entry(L, "log");
		h->entries[ENTRY_SHADOW] = take_entry(L, "shadow");
		h->have = take_have(L);
		lua_pop(L, 1);
	}
	vm->services = n;
}

void hooks_fini(struct vm *vm)
{
	free(vm->hooks);
	vm->hooks = NULL;
	vm->services = 0;
}
