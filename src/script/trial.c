/* vm_try_policies: each pick hook once, on a made-up request, in a process that serves nobody. */
#include <arpa/inet.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "http/h1_head.h"
#include "script/hook.h"
#include "script/state.h"

static const char head_bytes[] = "GET /path?query=1 HTTP/1.1\r\n"
				 "Host: localhost\r\n"
				 "User-Agent: neap-check\r\n"
				 "Accept: */*\r\n"
				 "\r\n";

enum { FIELDS_MAX = 8 };

struct trial {
	struct vm *vm;
	bool is_strict;
	struct http_limits limits;
	struct http_field fields[FIELDS_MAX];
	struct http_head head;
	uint64_t requests;
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

static enum err publish(struct vm *vm, struct error *e)
{
	enum err err = push_function(vm, "publish", e);
	return err == ERR_OK ? vm_call(vm, 0, 0, FUSE_TICKS_RUNTIME, e) : err;
}

static void make_head(struct trial *t)
{
	t->limits = (struct http_limits){ 16384, 8192, FIELDS_MAX };
	h1_head_init(&t->head, false, t->fields, &t->limits);
	(void)h1_head_parse(&t->head, head_bytes, sizeof(head_bytes) - 1); /* it is well formed */
}

/* A request of a client on this machine. */
static void make_request(struct trial *t, neap_request *r, unsigned service, unsigned pool)
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
		.time = t->vm->o.loop->unix_now,
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
	r->pool = (int32_t)pool;
	if (!t->vm->conf->services[service].is_tcp)
		return;
	r->is_tcp = 1;
	r->method = r->path = r->query = r->host = NULL;
	r->method_n = r->path_n = r->query_n = r->host_n = 0;
	r->has_query = 0;
	r->head = r->base = NULL;
}

/* "FILE: services[1].policy: …", behind the lines that are there. WHOSE: "policy" or "shadow". */
static enum err add_line(struct trial *t, const neap_request *r, const char *whose,
			 const char *text, struct error *e)
{
	lua_State *L = t->vm->L;
	size_t n = strlen(t->lines);
	enum err err = push_function(t->vm, "line", e);

	if (err != ERR_OK)
		return err;
	lua_pushstring(L, t->vm->o.config);
	lua_pushinteger(L, (lua_Integer)r->service);
	lua_pushinteger(L, (lua_Integer)r->pool);
	lua_pushstring(L, whose);
	lua_pushstring(L, text);
	err = vm_call(t->vm, 5, 1, FUSE_TICKS_RUNTIME, e);
	if (err != ERR_OK)
		return err;
	(void)snprintf(t->lines + n, sizeof(t->lines) - n, "%s%s", n > 0 ? "\n" : "",
		       lua_tostring(L, -1)); /* cut is fine */
	lua_pop(L, 1);
	return ERR_OK;
}

/* What the pick that has just run keeps of its objects is an error too. */
static enum err look_kept(struct trial *t, const neap_request *r, struct error *e)
{
	lua_State *L = t->vm->L;
	enum err err = push_function(t->vm, "kept", e);

	if (err != ERR_OK)
		return err;
	lua_pushinteger(L, (lua_Integer)r->service);
	lua_pushinteger(L, (lua_Integer)r->pool);
	err = vm_call(t->vm, 2, 1, FUSE_TICKS_RUNTIME, e);
	if (err != ERR_OK)
		return err;
	if (lua_isstring(L, -1))
		err = add_line(t, r, "policy", lua_tostring(L, -1), e);
	lua_pop(L, 1);
	return err;
}

/* A hook that waits is let go: there is no network here, and it has come that far. */
static enum err try_pick(struct trial *t, unsigned service, unsigned pool, struct error *e)
{
	struct hooks *h = vm_hooks(t->vm, service);
	struct error failure = { .code = ERR_OK };
	neap_request r;

	make_request(t, &r, service, pool);
	t->vm->failure = &failure;
	(void)hook_pick(h, &r); /* any verdict will do */
	t->vm->failure = NULL;
	hook_finish(h, &r, NULL);
	r.pool = (int32_t)pool;
	if (failure.code != ERR_OK)
		return add_line(t, &r, "policy", failure.text, e);
	return t->is_strict ? look_kept(t, &r, e) : ERR_OK;
}

/* The shadow of a pool, about a request that would be on its way. */
static enum err try_shadow(struct trial *t, unsigned service, unsigned pool, struct error *e)
{
	struct error failure = { .code = ERR_OK };
	neap_request r;

	make_request(t, &r, service, pool);
	t->vm->failure = &failure;
	(void)hook_shadow(vm_hooks(t->vm, service), &r);
	t->vm->failure = NULL;
	r.pool = (int32_t)pool;
	return failure.code == ERR_OK ? ERR_OK : add_line(t, &r, "shadow", failure.text, e);
}

/* The pools that a service may use: its own; with a `backends` hook, any. */
static enum err try_service(struct trial *t, unsigned service, struct error *e)
{
	const struct conf *c = t->vm->conf;
	struct hooks *h = vm_hooks(t->vm, service);
	bool has_pick = h != NULL && hooks_have(h, HOOK_PICK);
	enum err err = ERR_OK;

	for (unsigned pool = 0; h != NULL && pool < c->pools_n && err == ERR_OK; pool++) {
		if ((int)pool != c->services[service].pool && !hooks_have(h, HOOK_BACKENDS))
			continue;
		if (has_pick)
			err = try_pick(t, service, pool, e);
		if (err == ERR_OK && c->pools[pool].has_shadow)
			err = try_shadow(t, service, pool, e);
	}
	return err;
}

enum err vm_try_policies(struct vm *vm, bool is_strict, struct error *e)
{
	struct trial t = { .vm = vm, .is_strict = is_strict };
	int top = lua_gettop(vm->L);
	enum err err = publish(vm, e);

	make_head(&t);
	for (unsigned i = 0; err == ERR_OK && i < vm->conf->services_n; i++)
		err = try_service(&t, i, e);
	lua_settop(vm->L, top);
	if (err == ERR_OK && t.lines[0] != '\0')
		return err_set(e, ERR_SCRIPT, "%s", t.lines);
	return err;
}
