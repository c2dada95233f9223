#include "lua/conf_read.h"

#include <lauxlib.h>
#include <lua.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/str.h"
#include "conf/conf_digest.h"
#include "http/grpc.h"
#include "lua/conf_field.h"
#include "lua/conf_read_compress.h"
#include "lua/conf_read_tls.h"
#include "lua/memory.h"
#include "shm/board_plan.h"
#include "shm/board_size.h"

/*
 * Everything runs inside one protected call, so that Lua's own errors (no memory for a key) come
 * back as values. Errors of ours are raised as Lua errors too; what was allocated hangs from the
 * struct conf and is freed by conf_fini.
 */

enum { TRUSTS_MAX = 1024 };

static void read_timeouts(lua_State *L, struct conf_timeouts *t)
{
	field_push_table(L, "timeouts");
	t->client_header = field_ms(L, "client_header");
	t->client_body = field_ms(L, "client_body");
	t->client_idle = field_ms(L, "client_idle");
	t->connect = field_ms(L, "connect");
	t->response = field_ms(L, "response");
	t->stream_idle = field_ms(L, "stream_idle");
	t->attempt = field_ms(L, "attempt");
	t->tunnel = field_ms(L, "tunnel");
	t->request = field_ms(L, "request");
	t->drain = field_ms(L, "drain");
	t->notice = field_ms(L, "notice");
	t->linger = field_ms(L, "linger");
	t->half_closed = field_ms(L, "half_closed");
	t->keepalive_probe = field_ms(L, "keepalive_probe");
	t->handshake = field_ms(L, "handshake");
	t->udp = field_ms(L, "udp");
	lua_pop(L, 1);
}

static void read_limits(lua_State *L, struct conf_limits *l)
{
	field_push_table(L, "limits");
	l->header_bytes = field_u32(L, "header_bytes");
	l->uri_bytes = field_u32(L, "uri_bytes");
	l->headers = field_u32(L, "headers");
	l->body_bytes = (uint64_t)field_number(L, "body_bytes", 0x1p50, 0);
	l->hook_body_bytes = field_u32(L, "hook_body_bytes");
	l->connections = field_u32(L, "connections");
	l->requests = field_u32(L, "requests");
	l->streams = field_u32(L, "streams");
	l->stream_window = field_u32(L, "stream_window");
	l->connection_window = field_u32(L, "connection_window");
	l->udp_sessions = field_u32(L, "udp_sessions");
	l->source_datagrams = field_u32(L, "source_datagrams");
	l->source_flows = field_u32(L, "source_flows");
	l->source_bits_v4 = field_u32(L, "source_bits_v4");
	l->source_bits_v6 = field_u32(L, "source_bits_v6");
	lua_pop(L, 1);
}

static int find_pool(const struct conf *c, const char *name)
{
	for (unsigned i = 0; i < c->pools_n; i++) {
		if (strcmp(c->pools[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* The index of the pool that the service names. */
static int read_pool_index(lua_State *L, const struct conf *c)
{
	int found = -1;

	if (field_push(L, "pool") != LUA_TNIL) {
		found = find_pool(c, field_top_text(L, "pool"));
		if (found < 0)
			(void)field_refuse(L, "pool", "the name of a pool");
	}
	lua_pop(L, 1);
	return found;
}

/* A field's name; `otherwise` for true; nothing for false. */
static void read_header_name(lua_State *L, const char *key, const char *otherwise,
			     char to[CONF_NAME_MAX])
{
	int type = field_push(L, key);
	bool is_default = type == LUA_TBOOLEAN && lua_toboolean(L, -1);

	lua_pop(L, 1);
	if (type == LUA_TSTRING)
		field_text(L, key, to, CONF_NAME_MAX);
	else if (is_default)
		(void)str_copy(to, CONF_NAME_MAX, str_of(otherwise)); /* it fits */
}

static void read_listens(lua_State *L, struct conf_service *s)
{
	field_push_table(L, "listens");
	unsigned length = field_list_length(L, "listens", BOARD_LISTENS_MAX);
	s->listen = field_list(L, length, sizeof(*s->listen));
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		s->listens = i + 1;
		field_long_text(L, "address", &s->listen[i].address);
		if (s->listen[i].address == NULL)
			(void)field_refuse(L, "address", "a text");
		s->listen[i].is_tls = field_bool(L, "tls");
		s->listen[i].proxy_protocol = field_bool(L, "proxy_protocol");
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void read_service(lua_State *L, const struct conf *c, struct conf_service *s)
{
	field_text(L, "name", s->name, sizeof(s->name));
	read_listens(L, s);
	s->is_udp = field_is(L, "mode", "udp");
	s->is_tcp = s->is_udp || field_is(L, "mode", "tcp");
	s->responses = (uint32_t)field_number(L, "responses", 1e6, 0); /* false: 0 */
	s->requests = (uint32_t)field_number(L, "requests", 1e6, 0);
	s->refuse_on_error = field_is(L, "on_error", "refuse");
	s->is_guard = field_bool(L, "guard");
	s->sniffs_tls = field_push(L, "sniff") == LUA_TSTRING; /* its only word; else false */
	lua_pop(L, 1);
	s->half_close = field_bool(L, "half_close");
	s->http2 = field_bool(L, "http2") && !s->is_tcp;
	field_push_table(L, "errors");
	s->hides_reasons = !field_bool(L, "expose");
	lua_pop(L, 1);
	if (!s->is_tcp) {
		read_header_name(L, "request_id", "X-Request-Id", s->request_id);
		read_header_name(L, "via", "neap", s->via);
	}
	s->traceparent = field_bool(L, "traceparent") && !s->is_tcp;
	s->is_named = s->traceparent || s->request_id[0] != '\0';
	s->pool = read_pool_index(L, c);
	field_push_table(L, "forwarded");
	field_texts(L, "trust", TRUSTS_MAX, &s->trust, &s->trusts);
	lua_pop(L, 1);
	read_timeouts(L, &s->timeouts);
	read_limits(L, &s->limits);
	if (!s->is_tcp)
		conf_read_compress(L, &s->compress);
	conf_read_tls(L, &s->tls);
}

/* Milliseconds; -1 when it is not there, 0 for false. */
static int64_t read_override_ms(lua_State *L, const char *key)
{
	int type = field_push(L, key);
	lua_pop(L, 1);
	return type == LUA_TNIL ? -1 : (int64_t)field_ms(L, key);
}

static void read_pool_timeouts(lua_State *L, struct conf_pool *p)
{
	p->connect = p->response = p->attempt = p->stream_idle = -1;
	if (field_push(L, "timeouts") == LUA_TTABLE) {
		p->connect = read_override_ms(L, "connect");
		p->response = read_override_ms(L, "response");
		p->attempt = read_override_ms(L, "attempt");
		p->stream_idle = read_override_ms(L, "stream_idle");
	}
	lua_pop(L, 1);
}

static void read_status_set(lua_State *L, uint8_t set[75])
{
	field_push_table(L, "status");
	unsigned length = field_list_length(L, "status", 600);
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		double status = lua_tonumber(L, -1);
		if (!(status >= 100 && status < 700))
			(void)field_refuse(L, "status", "a list of statuses");
		unsigned bit = (unsigned)status - 100;
		set[bit / 8] |= (uint8_t)(1U << (bit % 8));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

/* Bits by number. */
static uint32_t read_grpc_set(lua_State *L)
{
	uint32_t set = 0;

	field_push_table(L, "grpc_status");
	unsigned length = field_list_length(L, "grpc_status", GRPC_STATUSES);
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		double status = lua_tonumber(L, -1);
		if (!(status >= 0 && status < GRPC_STATUSES))
			(void)field_refuse(L, "grpc_status", "a list of gRPC statuses");
		set |= 1U << (unsigned)status;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return set;
}

/* Within retry; false: none. */
static void read_budget(lua_State *L, struct conf_pool *p)
{
	if (field_push(L, "budget") == LUA_TTABLE) {
		p->budget.ttl = field_ms(L, "ttl");
		p->budget.ratio = field_number(L, "ratio", 1e6, 0);
		p->budget.min_per_second = field_number(L, "min_per_second", 1e9, 0);
	}
	lua_pop(L, 1);
}

/* false: none. */
static void read_queue(lua_State *L, struct conf_pool *p)
{
	if (field_push(L, "queue") == LUA_TTABLE) {
		p->queue.length = field_u32(L, "length");
		p->queue.timeout = field_ms(L, "timeout");
	}
	lua_pop(L, 1);
}

static void read_retry(lua_State *L, struct conf_pool *p)
{
	field_push_table(L, "retry");
	bool is_all = field_push(L, "attempts") == LUA_TSTRING;
	lua_pop(L, 1);
	p->retry.attempts = is_all ? 0 : field_u32(L, "attempts");
	p->retry.unsafe = field_bool(L, "unsafe");
	p->retry.body_bytes = field_u32(L, "body_bytes");
	read_status_set(L, p->retry.status);
	p->retry.grpc_status = read_grpc_set(L);
	read_budget(L, p);
	lua_pop(L, 1);
}

/* The rest of it is for the agent alone and stays in Lua. */
static void read_eject(lua_State *L, struct conf_pool *p)
{
	p->eject.on = field_push(L, "eject") == LUA_TTABLE;
	if (p->eject.on) {
		p->eject.consecutive = field_u32(L, "consecutive");
		read_status_set(L, p->eject.status);
		p->eject.grpc_status = read_grpc_set(L);
	}
	lua_pop(L, 1);
}

/* The policy itself stays in Lua; false: none. */
static void read_shadow(lua_State *L, struct conf_pool *p)
{
	(void)field_push(L, "shadow");
	p->has_shadow = lua_toboolean(L, -1) != 0;
	lua_pop(L, 1);
}

/* false: none. The pool's index is known when all are read. */
static void read_mirror(lua_State *L, struct conf_pool *p)
{
	p->mirror.pool = -1;
	if (field_push(L, "mirror") == LUA_TTABLE) {
		field_text(L, "pool", p->mirror.pool_name, sizeof(p->mirror.pool_name));
		p->mirror.share = field_number(L, "share", 1, 1);
	}
	lua_pop(L, 1);
}

/* false: none. */
static void read_hedge(lua_State *L, struct conf_pool *p)
{
	if (field_push(L, "hedge") == LUA_TTABLE) {
		p->hedge.after = field_ms(L, "after");
		p->hedge.share = field_number(L, "share", 1, 0);
	}
	lua_pop(L, 1);
}

static void find_mirrors(struct conf *c)
{
	for (unsigned i = 0; i < c->pools_n; i++) {
		if (c->pools[i].mirror.pool_name[0] != '\0')
			c->pools[i].mirror.pool = find_pool(c, c->pools[i].mirror.pool_name);
	}
}

/* false, true or "auto". */
static void read_http2(lua_State *L, struct conf_pool *p)
{
	int type = field_push(L, "http2");
	bool is_on = lua_toboolean(L, -1) != 0;
	p->http2 = type == LUA_TSTRING ? CONF_HTTP2_AUTO : is_on ? CONF_HTTP2_ON : CONF_HTTP2_OFF;
	lua_pop(L, 1);
}

static void read_pool_limits(lua_State *L, struct conf_pool *p)
{
	field_push_table(L, "limits");
	p->limits.header_bytes = field_u32(L, "header_bytes");
	p->limits.headers = field_u32(L, "headers");
	p->limits.stream_window = field_u32(L, "stream_window");
	lua_pop(L, 1);
}

static void read_pool(lua_State *L, struct conf_pool *p)
{
	field_text(L, "name", p->name, sizeof(p->name));
	read_pool_timeouts(L, p);
	read_pool_limits(L, p);
	field_push_table(L, "keepalive");
	p->keepalive.connections = field_u32(L, "connections");
	p->keepalive.idle = field_ms(L, "idle");
	p->keepalive.requests = field_u32(L, "requests");
	lua_pop(L, 1);
	read_retry(L, p);
	read_eject(L, p);
	read_queue(L, p);
	read_http2(L, p);
	p->is_veiled = field_is(L, "source", "client");
	read_shadow(L, p);
	read_mirror(L, p);
	read_hedge(L, p);
	conf_read_pool_tls(L, &p->tls);
}

static void read_pools(lua_State *L, struct conf *c)
{
	field_push_table(L, "pools");
	unsigned length = field_list_length(L, "pools", BOARD_POOLS_MAX);
	c->pools = field_list(L, length, sizeof(*c->pools));
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		c->pools_n = i + 1; /* first, as for services */
		read_pool(L, &c->pools[i]);
		lua_pop(L, 1);
	}
	find_mirrors(c);
	lua_pop(L, 1);
}

static void read_services(lua_State *L, struct conf *c)
{
	field_push_table(L, "services");
	unsigned length = field_list_length(L, "services", BOARD_SERVICES_MAX);
	c->services = field_list(L, length, sizeof(*c->services));
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		c->services_n = i + 1; /* first, so that a service half read is freed, too */
		read_service(L, c, &c->services[i]);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void read_log(lua_State *L, struct conf *c)
{
	enum log_level level;

	field_push_table(L, "log");
	field_long_text(L, "target", &c->log_target);
	(void)field_push(L, "level");
	if (!log_level_of(field_top_text(L, "level"), &level))
		(void)field_refuse(L, "level", "a level");
	c->log_level = (int)level;
	lua_pop(L, 2);
}

static void read_access_log(lua_State *L, struct conf *c)
{
	if (field_push(L, "access_log") != LUA_TTABLE) {
		lua_pop(L, 1);
		return;
	}
	field_long_text(L, "target", &c->access_log);
	if (field_push(L, "format") == LUA_TFUNCTION)
		c->access_format = CONF_ACCESS_FUNCTION;
	else
		c->access_format = strcmp(field_top_text(L, "format"), "json") == 0
					   ? CONF_ACCESS_JSON
					   : CONF_ACCESS_COMBINED;
	lua_pop(L, 2);
}

static void read_explain(lua_State *L, struct conf_explain *e)
{
	if (field_push(L, "explain") != LUA_TTABLE) {
		lua_pop(L, 1);
		return;
	}
	double sample = field_number(L, "sample", 1, 0);
	e->is_on = true;
	e->every = sample > 1e-9 ? (uint32_t)(1 / sample + 0.5) : 0;
	read_header_name(L, "header", "X-Neap-Id", e->header);
	lua_pop(L, 1);
}

/* CPUs that this process may use, at most as many as the board has rows. */
static unsigned usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	int n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > BOARD_WORKERS_MAX ? BOARD_WORKERS_MAX : (unsigned)n;
}

static void read_admin(lua_State *L, struct conf_admin *a)
{
	if (field_push(L, "admin") == LUA_TTABLE) {
		field_long_text(L, "listen", &a->listen);
		a->mode = (unsigned)field_number(L, "mode", 0777, 0600);
		field_text(L, "group", a->group, sizeof(a->group));
		field_long_text(L, "token", &a->token);
		field_long_text(L, "token_file", &a->token_file);
	}
	lua_pop(L, 1);
}

static void read_process(lua_State *L, struct conf *c)
{
	bool is_auto = field_push(L, "workers") == LUA_TSTRING;
	lua_pop(L, 1);
	c->workers = is_auto ? 0 : (unsigned)field_number(L, "workers", BOARD_WORKERS_MAX, 0);
	field_text(L, "user", c->user, sizeof(c->user));
	field_text(L, "group", c->group, sizeof(c->group));
	field_long_text(L, "pid_file", &c->pid_file);
	read_log(L, c);
	read_access_log(L, c);
	read_explain(L, &c->explain);
	read_admin(L, &c->admin);
	c->lua_memory = (uint64_t)field_number(L, "lua_memory", 0x1p40, MEMORY_DEFAULT_BYTES);
	c->unsafe = field_bool(L, "unsafe");
	c->hardening = field_bool(L, "hardening");
}

static void read_stores(lua_State *L, struct conf *c)
{
	field_push_table(L, "shared");
	unsigned length = field_list_length(L, "shared", BOARD_STORES_MAX);
	c->stores = field_list(L, length, sizeof(*c->stores));
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		c->stores_n = i + 1;
		field_text(L, "name", c->stores[i].name, sizeof(c->stores[i].name));
		c->stores[i].bytes = (uint64_t)field_number(L, "bytes", 0x1p40, 0);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

/* Protected: the table and a pointer to the struct conf are its arguments. */
static int read_protected(lua_State *L)
{
	struct conf *c = lua_touserdata(L, 2);

	lua_settop(L, 1);
	luaL_checkstack(L, 32, "no room to read the configuration");
	read_process(L, c);
	read_pools(L, c);
	read_services(L, c);
	read_stores(L, c);
	c->digest = conf_digest(c);
	if (c->workers == 0)
		c->workers = usable_cpus();
	return 0;
}

enum err conf_read(lua_State *L, int index, struct conf *c, struct error *e)
{
	memset(c, 0, sizeof(*c));
	if (index < 0 && index > LUA_REGISTRYINDEX)
		index = lua_gettop(L) + index + 1;
	if (!lua_checkstack(L, 4))
		return err_set(e, ERR_MEMORY, "no room to read the configuration");
	lua_pushcfunction(L, read_protected);
	lua_pushvalue(L, index);
	lua_pushlightuserdata(L, c);
	int status = lua_pcall(L, 2, 0, 0);
	if (status == 0)
		return ERR_OK;
	const char *text = lua_tostring(L, -1);
	enum err err = err_set(e, status == LUA_ERRMEM ? ERR_MEMORY : ERR_INVALID, "%s",
			       text != NULL ? text : "the configuration cannot be read");
	lua_pop(L, 1);
	conf_fini(c);
	return err;
}
