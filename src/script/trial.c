#include "script/trial.h"

#include <arpa/inet.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "http/edits.h"
#include "http/h1_head.h"
#include "script/hook.h"
#include "script/shadow.h"
#include "shm/board_size.h"

static const char head_bytes[] = "GET /path?query=1 HTTP/1.1\r\n"
				 "Host: localhost\r\n"
				 "User-Agent: neap-check\r\n"
				 "Accept: */*\r\n"
				 "\r\n";

static const char answer_bytes[] = "HTTP/1.1 200 OK\r\n"
				   "Content-Type: text/plain\r\n"
				   "Content-Length: 2\r\n"
				   "\r\n";

enum { FIELDS_MAX = 8 };

/* What of a policy is called. */
enum trial_part {
	TRIAL_CONNECTION,
	TRIAL_DECISION,
	TRIAL_PICK,
	TRIAL_SHADOW,
	TRIAL_ERROR,
	TRIAL_RESPONSE,
	TRIAL_END
};

struct trial_wish {
	enum trial_part part;
	int pool;    /* -1: none */
	void *about; /* what the hook is told beside the request */
};

struct trial {
	struct policies *p;
	struct vm *vm; /* theirs */
	bool is_strict;
	struct http_limits limits;
	struct http_field fields[FIELDS_MAX], answer_fields[FIELDS_MAX];
	struct http_head head, answer;
	uint64_t requests;
	uint16_t answers[BOARD_SERVICES_MAX]; /* the status that `request` gave; 0: it gave none */
	char lines[sizeof((struct error *)0)->text]; /* of the errors, so far */
};

/* Pushes a function of the module and leaves its value, if it has one, on the stack. */
static enum err push_function(struct vm *vm, const char *name, struct error *e)
{
	lua_getglobal(vm->L, "require");
	lua_pushliteral(vm->L, "neap.runtime.trial");
	enum err err = vm_call(vm, 1, 1, FUSE_TICKS_RUNTIME, e);
	if (err != ERR_OK)
		return err;
	lua_getfield(vm->L, -1, name);
	lua_remove(vm->L, -2);
	return ERR_OK;
}

static enum err publish_pools(struct vm *vm, struct error *e)
{
	enum err err = push_function(vm, "publish", e);
	return err == ERR_OK ? vm_call(vm, 0, 0, FUSE_TICKS_RUNTIME, e) : err;
}

static void make_heads(struct trial *t)
{
	t->limits = (struct http_limits){ 16384, 8192, FIELDS_MAX };
	h1_head_init(&t->head, false, t->fields, &t->limits);
	(void)h1_head_parse(&t->head, head_bytes, sizeof(head_bytes) - 1); /* it is well formed */
	h1_head_init(&t->answer, true, t->answer_fields, &t->limits);
	(void)h1_head_parse(&t->answer, answer_bytes, sizeof(answer_bytes) - 1);
}

/* A request of a client on this machine. */
static void make_request(struct trial *t, neap_request *r, unsigned service, int pool)
{
	static const uint8_t local_ip[16] = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 };
	struct str method = http_str(head_bytes, t->head.method);
	struct str path = http_str(head_bytes, t->head.path);
	struct str query = http_str(head_bytes, t->head.query);
	struct str host = http_str(head_bytes, t->head.host);

	*r = (neap_request){
		.method = method.p,
		.method_n = (uint32_t)method.n,
		.path = path.p,
		.path_n = (uint32_t)path.n,
		.query = query.p,
		.query_n = (uint32_t)query.n,
		.host = host.p,
		.host_n = (uint32_t)host.n,
		.id = ++t->requests,
		.time = t->p->o.loop->unix_now,
		.service = service,
		.attempt = 1,
		.minor = 1,
		.has_query = 1,
		.ip_family = AF_INET,
		.port = 40000,
		.head = &t->head,
		.base = head_bytes,
	};
	memcpy(r->ip, local_ip, sizeof(r->ip));
	hook_request_init(r);
	r->pool = pool;
	if (!t->p->hooks.conf->services[service].is_tcp)
		return;
	r->is_tcp = 1;
	r->is_udp = t->p->hooks.conf->services[service].is_udp;
	r->method = r->path = r->query = r->host = NULL;
	r->method_n = r->path_n = r->query_n = r->host_n = 0;
	r->has_query = 0;
	r->head = r->base = NULL;
}

/* "FILE: services[1].policy: …", after the lines that are there. HOOK: as hook_word says it. */
static enum err note_error(struct trial *t, const neap_request *r, const char *hook,
			   const char *text, struct error *e)
{
	lua_State *L = t->vm->L;
	size_t n = strlen(t->lines);
	enum err err = push_function(t->vm, "line", e);

	if (err != ERR_OK)
		return err;
	lua_pushstring(L, t->vm->native.config);
	lua_pushinteger(L, (lua_Integer)r->service);
	lua_pushinteger(L, (lua_Integer)r->pool);
	lua_pushstring(L, hook);
	lua_pushstring(L, text);
	err = vm_call(t->vm, 5, 1, FUSE_TICKS_RUNTIME, e);
	if (err != ERR_OK)
		return err;
	if (strstr(t->lines, lua_tostring(L, -1)) == NULL) /* two pools, one error */
		(void)snprintf(t->lines + n, sizeof(t->lines) - n, "%s%s", n > 0 ? "\n" : "",
			       lua_tostring(L, -1)); /* cut is fine */
	lua_pop(L, 1);
	return ERR_OK;
}

/* Of a datagram that is of no protocol. */
static void call_key(struct hooks *h, neap_request *r)
{
	static const char bytes[] = "neap-check";
	neap_datagram d = { .bytes = bytes, .n = sizeof(bytes) - 1 };
	r->datagram = &d;
	(void)hook_key(h, r);
	r->datagram = NULL;
}

/* The hooks before requests. A certificate that waits has come far enough. */
static uint32_t call_connection(struct trial *t, struct hooks *h, neap_request *r)
{
	if (hooks_have(h, HOOK_CONNECTION))
		(void)hook_connection(h, r);
	if (t->p->hooks.failure->code == ERR_OK && hooks_have(h, HOOK_KEY))
		call_key(h, r);
	if (t->p->hooks.failure->code == ERR_OK && hooks_have(h, HOOK_CERTIFICATE))
		(void)hook_certificate(h, r);
	hook_cancel(r);
	certificate_drop(r->certificate);
	return 0;
}

static uint32_t call(struct trial *t, neap_request *r, struct trial_wish w)
{
	struct hooks *h = policies_hooks(t->p, r->service);
	switch (w.part) {
	case TRIAL_CONNECTION:
		return call_connection(t, h, r);
	case TRIAL_DECISION:
		return hook_decide(h, r);
	case TRIAL_PICK:
		return hook_pick(h, r);
	case TRIAL_SHADOW:
		return (uint32_t)hook_shadow(h, r);
	case TRIAL_ERROR: /* of a backend that is not there */
		return (uint32_t)hook_error(h, r, 503, "a made-up request");
	case TRIAL_RESPONSE:
		return (uint32_t)hook_response(h, r, w.about);
	case TRIAL_END:
		hook_finish(h, r, w.about);
	}
	return 0;
}

/* Errors of hooks become lines, of the pool that the request then has. */
static enum err try_part(struct trial *t, neap_request *r, struct trial_wish w, uint32_t *verdict,
			 struct error *e)
{
	struct error failure = { .code = ERR_OK };
	t->p->hooks.failure = &failure; /* instead of the log */
	*verdict = call(t, r, w);
	t->p->hooks.failure = NULL;
	if (w.part == TRIAL_PICK || w.part == TRIAL_SHADOW)
		r->pool = w.pool; /* whoever answered */
	if (failure.code == ERR_OK)
		return ERR_OK;
	return note_error(t, r, hook_word(t->p->hooks.failed_hook), failure.text, e);
}

/* Objects that the last pick keeps are an error, too. */
static enum err look_kept(struct trial *t, unsigned service, int pool, struct error *e)
{
	const neap_request r = { .service = service, .pool = pool };
	lua_State *L = t->vm->L;
	enum err err = push_function(t->vm, "kept", e);

	if (err != ERR_OK)
		return err;
	lua_pushinteger(L, (lua_Integer)service);
	lua_pushinteger(L, pool);
	err = vm_call(t->vm, 2, 1, FUSE_TICKS_RUNTIME, e);
	if (err != ERR_OK)
		return err;
	if (lua_isstring(L, -1))
		err = note_error(t, &r, "pick", lua_tostring(L, -1), e);
	lua_pop(L, 1);
	return err;
}

/* The request has ended with that status. */
static enum err try_log(struct trial *t, neap_request *r, uint32_t status, struct error *e)
{
	bool has_backend = status == 200;
	uint32_t nothing;
	neap_outcome outcome = {
		.status = status,
		.attempts = has_backend,
		.slot = has_backend ? r->slot : -1,
		.epoch = r->epoch,
		.connect = has_backend ? 0.001 : -1,
		.first_byte = has_backend ? 0.002 : -1,
		.total = 0.003,
		.reason = has_backend ? "" : "a made-up request",
	};
	return try_part(t, r, (struct trial_wish){ TRIAL_END, r->pool, &outcome }, &nothing, e);
}

static enum err try_response(struct trial *t, neap_request *r, struct error *e)
{
	uint32_t nothing;
	neap_response view = {
		.status = t->answer.status,
		.latency_us = 1000,
		.head = &t->answer,
		.base = answer_bytes,
	};
	enum err err =
		try_part(t, r, (struct trial_wish){ TRIAL_RESPONSE, r->pool, &view }, &nothing, e);
	edits_free(view.edits);
	return err;
}

/* What a decision led to: response, then log. */
static enum err try_rest(struct trial *t, neap_request *r, uint32_t verdict, struct error *e)
{
	uint32_t status = verdict == NEAP_BACKEND ? 200
			  : verdict == NEAP_REPLY ? r->reply.status
						  : 503;
	enum err err = ERR_OK;

	if (verdict == NEAP_BACKEND && r->is_tcp == 0)
		err = try_response(t, r, e);
	return err == ERR_OK ? try_log(t, r, status, e) : err;
}

/* Ends a request whose hooks were asked; if `goes_on`, as one that has its answer. */
static enum err end_request(struct trial *t, neap_request *r, bool goes_on, uint32_t verdict,
			    struct error *e)
{
	if (goes_on && verdict != NEAP_WAIT)
		return try_rest(t, r, verdict, e);
	hook_finish(policies_hooks(t->p, r->service), r, NULL);
	return ERR_OK;
}

/*
 * A whole request. If a hook waits, the request ends there: there is no network here, and it has
 * come far enough. *pool: whose pick was asked; -1: none.
 */
static enum err try_request(struct trial *t, unsigned service, int *pool, struct error *e)
{
	uint32_t verdict;
	neap_request r;

	make_request(t, &r, service, -1);
	enum err err =
		try_part(t, &r, (struct trial_wish){ TRIAL_DECISION, -1, NULL }, &verdict, e);
	*pool = verdict == NEAP_REPLY || verdict == NEAP_WAIT ? -1 : r.pool;
	if (verdict == NEAP_REPLY)
		t->answers[service] = (uint16_t)r.reply.status;
	enum err end = end_request(t, &r, err == ERR_OK, verdict, e);
	return err == ERR_OK ? end : err;
}

/*
 * pick alone, of a pool that the whole request did not reach. What `request` keeps for later hooks
 * is missing, so those are called only if there is no such hook.
 */
static enum err try_pick(struct trial *t, unsigned service, int pool, struct error *e)
{
	bool has_request = hooks_have(policies_hooks(t->p, service), HOOK_REQUEST);
	uint32_t verdict;
	neap_request r;

	make_request(t, &r, service, pool);
	enum err err = try_part(t, &r, (struct trial_wish){ TRIAL_PICK, pool, NULL }, &verdict, e);
	enum err end = end_request(t, &r, err == ERR_OK && !has_request, verdict, e);
	return err == ERR_OK ? end : err;
}

/* Hooks that stand alone, each about a request of its own. */
static enum err try_alone(struct trial *t, unsigned service, struct trial_wish w, struct error *e)
{
	uint32_t nothing;
	neap_request r;

	make_request(t, &r, service, w.pool);
	enum err err = try_part(t, &r, w, &nothing, e);
	hook_finish(policies_hooks(t->p, service), &r, NULL);
	return err;
}

static bool may_use(const struct trial *t, unsigned service, unsigned pool)
{
	const struct conf *c = t->p->hooks.conf;
	int own = c->services[service].pool;
	return (int)pool == own || (own >= 0 && (int)pool == c->pools[own].mirror.pool) ||
	       hooks_have(policies_hooks(t->p, service), HOOK_BACKENDS);
}

static enum err try_pool(struct trial *t, unsigned service, int pool, bool is_asked,
			 struct error *e)
{
	enum err err = is_asked ? ERR_OK : try_pick(t, service, pool, e);
	if (err == ERR_OK && t->is_strict)
		err = look_kept(t, service, pool, e);
	if (err == ERR_OK && t->p->hooks.conf->pools[pool].has_shadow)
		err = try_alone(t, service, (struct trial_wish){ TRIAL_SHADOW, pool, NULL }, e);
	return err;
}

/* The pools that a service may use: its own and its mirror; with a `backends` hook, any. */
static enum err try_service(struct trial *t, unsigned service, struct error *e)
{
	const struct conf *c = t->p->hooks.conf;
	int asked = -1;
	enum err err = try_alone(t, service, (struct trial_wish){ TRIAL_CONNECTION, -1, NULL }, e);

	if (err == ERR_OK)
		err = try_request(t, service, &asked, e);
	if (err == ERR_OK && hooks_have(policies_hooks(t->p, service), HOOK_ERROR))
		err = try_alone(t, service, (struct trial_wish){ TRIAL_ERROR, -1, NULL }, e);
	for (unsigned pool = 0; pool < c->pools_n && err == ERR_OK; pool++) {
		if (may_use(t, service, pool))
			err = try_pool(t, service, (int)pool, asked == (int)pool, e);
	}
	return err;
}

/* Warns of what is not wrong, but may not be meant. */
static enum err warn_of_doubts(struct trial *t, struct error *e)
{
	struct vm *vm = t->vm;
	enum err err = push_function(vm, "warnings", e);
	struct str rest, line;

	if (err != ERR_OK)
		return err;
	lua_pushstring(vm->L, vm->native.config);
	lua_createtable(vm->L, (int)t->p->hooks.services_n, 0);
	for (unsigned i = 0; i < t->p->hooks.services_n; i++) {
		lua_pushinteger(vm->L, t->answers[i]);
		lua_rawseti(vm->L, -2, (int)i);
	}
	err = vm_call(vm, 2, 1, FUSE_TICKS_RUNTIME, e);
	if (err != ERR_OK)
		return err;
	rest = str_of(lua_tostring(vm->L, -1));
	while (rest.n > 0 && str_split(&rest, '\n', &line))
		log_warn("%.*s", (int)line.n, line.p);
	return ERR_OK;
}

enum err trial_run(struct policies *p, bool is_strict, struct error *e)
{
	struct trial t = { .p = p, .vm = &p->vm, .is_strict = is_strict };
	lua_State *L = p->vm.L;
	int top = lua_gettop(L);
	enum err err = publish_pools(&p->vm, e);

	make_heads(&t);
	p->cos.io.mode = IO_TRIAL;
	for (unsigned i = 0; err == ERR_OK && i < p->hooks.conf->services_n; i++)
		err = try_service(&t, i, e);
	p->cos.io.mode = IO_REAL;
	if (err == ERR_OK && warn_of_doubts(&t, e) != ERR_OK && is_strict)
		err = e->code;
	lua_settop(L, top);
	if (err == ERR_OK && t.lines[0] != '\0')
		return err_set(e, ERR_SCRIPT, "%s", t.lines);
	return err;
}
