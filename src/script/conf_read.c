#include "script/conf_read.h"

#include <lauxlib.h>
#include <lua.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/num.h"
#include "base/str.h"
#include "shm/board.h"

/*
 * Everything runs inside one protected call, so that Lua's own errors (no memory for a key) come
 * back as values. Errors of ours are raised as Lua errors too; what was allocated hangs from the
 * struct conf and is freed by conf_fini.
 */

enum { LISTENS_MAX = 256, TRUSTS_MAX = 1024 };

static int bad(lua_State *L, const char *key, const char *expected)
{
	return luaL_error(L, "%s: this is not %s", key, expected);
}

/* Pushes table[key] of the table on top, without metamethods. */
static int push_field(lua_State *L, const char *key)
{
	if (!lua_istable(L, -1))
		return bad(L, key, "in a table");
	lua_pushstring(L, key);
	lua_rawget(L, -2);
	return lua_type(L, -1);
}

static void push_table(lua_State *L, const char *key)
{
	if (push_field(L, key) != LUA_TTABLE)
		(void)bad(L, key, "a table");
}

/* How many items the list on top has, at most max. */
static unsigned list_length(lua_State *L, const char *key, unsigned max)
{
	size_t n = lua_objlen(L, -1);
	if (n > max)
		(void)bad(L, key, "a list of that length");
	return (unsigned)n;
}

/* A number from 0 to max; nil and false are `none`. */
static double read_number(lua_State *L, const char *key, double max, double none)
{
	double value = none;
	int type = push_field(L, key);

	if (type == LUA_TNUMBER)
		value = lua_tonumber(L, -1);
	else if (type != LUA_TNIL && (type != LUA_TBOOLEAN || lua_toboolean(L, -1)))
		(void)bad(L, key, "a number");
	if (type == LUA_TNUMBER && !(value >= 0 && value <= max)) /* NaN too */
		(void)bad(L, key, "in its range");
	lua_pop(L, 1);
	return value;
}

static uint32_t read_u32(lua_State *L, const char *key)
{
	return (uint32_t)read_number(L, key, UINT32_MAX, 0);
}

static uint32_t read_ms(lua_State *L, const char *key)
{
	return num_ms_of_seconds(read_number(L, key, UINT32_MAX / 1000.0, 0));
}

static bool read_bool(lua_State *L, const char *key)
{
	int type = push_field(L, key);
	if (type != LUA_TBOOLEAN && type != LUA_TNIL)
		(void)bad(L, key, "a boolean");
	bool value = lua_toboolean(L, -1) != 0;
	lua_pop(L, 1);
	return value;
}

/* The text on top, without zero bytes; it lives as long as it is on the stack. */
static const char *top_text(lua_State *L, const char *key)
{
	if (lua_type(L, -1) != LUA_TSTRING)
		(void)bad(L, key, "a text");
	size_t n;
	const char *text = lua_tolstring(L, -1, &n);
	if (strlen(text) != n)
		(void)bad(L, key, "a text without zero bytes");
	return text;
}

/* Into to[size]; "" when it is not there. */
static void read_text(lua_State *L, const char *key, char *to, size_t size)
{
	to[0] = '\0';
	if (push_field(L, key) != LUA_TNIL && !str_copy(to, size, str_of(top_text(L, key))))
		(void)bad(L, key, "short enough");
	lua_pop(L, 1);
}

static char *copy_top(lua_State *L, const char *key)
{
	char *copy = strdup(top_text(L, key));
	if (copy == NULL)
		(void)luaL_error(L, "%s: out of memory", key);
	return copy;
}

/* NULL when it is not there. */
static void read_long_text(lua_State *L, const char *key, char **to)
{
	if (push_field(L, key) != LUA_TNIL)
		*to = copy_top(L, key);
	lua_pop(L, 1);
}

/* Is this text that word? Absent: no. */
static bool read_is(lua_State *L, const char *key, const char *word)
{
	bool is = push_field(L, key) != LUA_TNIL && strcmp(top_text(L, key), word) == 0;
	lua_pop(L, 1);
	return is;
}

static void *allocate(lua_State *L, size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size);
	if (p == NULL)
		(void)luaL_error(L, "out of memory");
	return p;
}

/* The list of texts under key; *n counts what is filled, so that a failure half way is freed. */
static void read_texts(lua_State *L, const char *key, unsigned max, char ***to, unsigned *n)
{
	push_table(L, key);
	unsigned length = list_length(L, key, max);
	*to = allocate(L, length, sizeof(char *));
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		(*to)[i] = copy_top(L, key);
		*n = i + 1;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void read_timeouts(lua_State *L, struct conf_timeouts *t)
{
	push_table(L, "timeouts");
	t->client_header = read_ms(L, "client_header");
	t->client_body = read_ms(L, "client_body");
	t->client_idle = read_ms(L, "client_idle");
	t->connect = read_ms(L, "connect");
	t->response = read_ms(L, "response");
	t->stream_idle = read_ms(L, "stream_idle");
	t->attempt = read_ms(L, "attempt");
	t->tunnel = read_ms(L, "tunnel");
	t->request = read_ms(L, "request");
	t->drain = read_ms(L, "drain");
	lua_pop(L, 1);
}

static void read_limits(lua_State *L, struct conf_limits *l)
{
	push_table(L, "limits");
	l->header_bytes = read_u32(L, "header_bytes");
	l->uri_bytes = read_u32(L, "uri_bytes");
	l->headers = read_u32(L, "headers");
	l->body_bytes = (uint64_t)read_number(L, "body_bytes", 0x1p50, 0);
	l->connections = read_u32(L, "connections");
	l->requests = read_u32(L, "requests");
	lua_pop(L, 1);
}

/* The index of the pool that the service names. */
static int read_pool_index(lua_State *L, const struct conf *c)
{
	int found = -1;

	if (push_field(L, "pool") != LUA_TNIL) {
		const char *name = top_text(L, "pool");
		for (unsigned i = 0; i < c->pools_n && found < 0; i++) {
			if (strcmp(c->pools[i].name, name) == 0)
				found = (int)i;
		}
		if (found < 0)
			(void)bad(L, "pool", "the name of a pool");
	}
	lua_pop(L, 1);
	return found;
}

/* A field's name; `otherwise` for true; nothing for false. */
static void read_header_name(lua_State *L, const char *key, const char *otherwise,
			     char to[CONF_NAME_MAX])
{
	int type = push_field(L, key);
	bool is_default = type == LUA_TBOOLEAN && lua_toboolean(L, -1);

	lua_pop(L, 1);
	if (type == LUA_TSTRING)
		read_text(L, key, to, CONF_NAME_MAX);
	else if (is_default)
		(void)str_copy(to, CONF_NAME_MAX, str_of(otherwise)); /* it fits */
}

static void read_service(lua_State *L, const struct conf *c, struct conf_service *s)
{
	read_text(L, "name", s->name, sizeof(s->name));
	read_texts(L, "listen", LISTENS_MAX, &s->listen, &s->listens);
	s->is_tcp = read_is(L, "mode", "tcp");
	s->refuse_on_error = read_is(L, "on_error", "refuse");
	s->proxy_protocol = read_bool(L, "proxy_protocol");
	if (!s->is_tcp)
		read_header_name(L, "request_id", "X-Request-Id", s->request_id);
	s->traceparent = read_bool(L, "traceparent") && !s->is_tcp;
	s->is_named = s->traceparent || s->request_id[0] != '\0';
	s->pool = read_pool_index(L, c);
	push_table(L, "forwarded");
	read_texts(L, "trust", TRUSTS_MAX, &s->trust, &s->trusts);
	lua_pop(L, 1);
	read_timeouts(L, &s->timeouts);
	read_limits(L, &s->limits);
}

/* Milliseconds; -1 when it is not there, 0 for false. */
static int64_t read_override_ms(lua_State *L, const char *key)
{
	int type = push_field(L, key);
	lua_pop(L, 1);
	return type == LUA_TNIL ? -1 : (int64_t)read_ms(L, key);
}

static void read_pool_timeouts(lua_State *L, struct conf_pool *p)
{
	p->connect = p->response = p->attempt = p->stream_idle = -1;
	if (push_field(L, "timeouts") == LUA_TTABLE) {
		p->connect = read_override_ms(L, "connect");
		p->response = read_override_ms(L, "response");
		p->attempt = read_override_ms(L, "attempt");
		p->stream_idle = read_override_ms(L, "stream_idle");
	}
	lua_pop(L, 1);
}

static void read_status_set(lua_State *L, uint8_t set[75])
{
	push_table(L, "status");
	unsigned length = list_length(L, "status", 600);
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		double status = lua_tonumber(L, -1);
		if (!(status >= 100 && status < 700))
			(void)bad(L, "status", "a list of statuses");
		unsigned bit = (unsigned)status - 100;
		set[bit / 8] |= (uint8_t)(1U << (bit % 8));
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

/* Within retry; false: none. */
static void read_budget(lua_State *L, struct conf_pool *p)
{
	if (push_field(L, "budget") == LUA_TTABLE) {
		p->budget.ttl = read_ms(L, "ttl");
		p->budget.ratio = read_number(L, "ratio", 1e6, 0);
		p->budget.min_per_second = read_number(L, "min_per_second", 1e9, 0);
	}
	lua_pop(L, 1);
}

/* false: none. */
static void read_queue(lua_State *L, struct conf_pool *p)
{
	if (push_field(L, "queue") == LUA_TTABLE) {
		p->queue.length = read_u32(L, "length");
		p->queue.timeout = read_ms(L, "timeout");
	}
	lua_pop(L, 1);
}

static void read_retry(lua_State *L, struct conf_pool *p)
{
	push_table(L, "retry");
	bool is_all = push_field(L, "attempts") == LUA_TSTRING;
	lua_pop(L, 1);
	p->retry.attempts = is_all ? 0 : read_u32(L, "attempts");
	p->retry.unsafe = read_bool(L, "unsafe");
	p->retry.body_bytes = read_u32(L, "body_bytes");
	read_status_set(L, p->retry.status);
	read_budget(L, p);
	lua_pop(L, 1);
}

/* What the agent alone needs of it stays in Lua. */
static void read_eject(lua_State *L, struct conf_pool *p)
{
	p->eject.on = push_field(L, "eject") == LUA_TTABLE;
	if (p->eject.on) {
		p->eject.consecutive = read_u32(L, "consecutive");
		read_status_set(L, p->eject.status);
	}
	lua_pop(L, 1);
}

/* The policy itself stays in Lua; false: none. */
static void read_shadow(lua_State *L, struct conf_pool *p)
{
	(void)push_field(L, "shadow");
	p->has_shadow = lua_toboolean(L, -1) != 0;
	lua_pop(L, 1);
}

static void read_pool(lua_State *L, struct conf_pool *p)
{
	read_text(L, "name", p->name, sizeof(p->name));
	read_pool_timeouts(L, p);
	push_table(L, "keepalive");
	p->keepalive.connections = read_u32(L, "connections");
	p->keepalive.idle = read_ms(L, "idle");
	p->keepalive.requests = read_u32(L, "requests");
	lua_pop(L, 1);
	read_retry(L, p);
	read_eject(L, p);
	read_queue(L, p);
	read_shadow(L, p);
}

static void read_pools(lua_State *L, struct conf *c)
{
	push_table(L, "pools");
	unsigned length = list_length(L, "pools", BOARD_POOLS_MAX);
	c->pools = allocate(L, length, sizeof(*c->pools));
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		read_pool(L, &c->pools[i]);
		c->pools_n = i + 1;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void read_services(lua_State *L, struct conf *c)
{
	push_table(L, "services");
	unsigned length = list_length(L, "services", BOARD_SERVICES_MAX);
	c->services = allocate(L, length, sizeof(*c->services));
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		c->services_n = i + 1; /* first: a service half read is freed too */
		read_service(L, c, &c->services[i]);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static void read_log(lua_State *L, struct conf *c)
{
	enum log_level level;

	push_table(L, "log");
	read_long_text(L, "target", &c->log_target);
	(void)push_field(L, "level");
	if (!log_level_of(top_text(L, "level"), &level))
		(void)bad(L, "level", "a level");
	c->log_level = (int)level;
	lua_pop(L, 2);
}

static void read_access_log(lua_State *L, struct conf *c)
{
	if (push_field(L, "access_log") != LUA_TTABLE) {
		lua_pop(L, 1);
		return;
	}
	read_long_text(L, "target", &c->access_log);
	if (push_field(L, "format") == LUA_TFUNCTION)
		c->access_format = CONF_ACCESS_FUNCTION;
	else
		c->access_format = strcmp(top_text(L, "format"), "json") == 0
					   ? CONF_ACCESS_JSON
					   : CONF_ACCESS_COMBINED;
	lua_pop(L, 2);
}

static void read_explain(lua_State *L, struct conf_explain *e)
{
	if (push_field(L, "explain") != LUA_TTABLE) {
		lua_pop(L, 1);
		return;
	}
	double sample = read_number(L, "sample", 1, 0);
	e->is_on = true;
	e->every = sample > 1e-9 ? (uint32_t)(1 / sample + 0.5) : 0;
	read_header_name(L, "header", "X-Neap-Id", e->header);
	lua_pop(L, 1);
}

/* CPUs that this process may use, as far as there are rows on the board. */
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
	if (push_field(L, "admin") == LUA_TTABLE) {
		read_long_text(L, "listen", &a->listen);
		a->mode = (unsigned)read_number(L, "mode", 0777, 0600);
		read_text(L, "group", a->group, sizeof(a->group));
	}
	lua_pop(L, 1);
}

static void read_process(lua_State *L, struct conf *c)
{
	bool is_auto = push_field(L, "workers") == LUA_TSTRING;
	lua_pop(L, 1);
	c->workers = is_auto ? 0 : (unsigned)read_number(L, "workers", BOARD_WORKERS_MAX, 0);
	read_text(L, "user", c->user, sizeof(c->user));
	read_text(L, "group", c->group, sizeof(c->group));
	read_long_text(L, "pid_file", &c->pid_file);
	read_log(L, c);
	read_access_log(L, c);
	read_explain(L, &c->explain);
	read_admin(L, &c->admin);
	c->unsafe = read_bool(L, "unsafe");
}

/* Protected: the table and a pointer to the struct conf are its arguments. */
static int read_all(lua_State *L)
{
	struct conf *c = lua_touserdata(L, 2);

	lua_settop(L, 1);
	luaL_checkstack(L, 32, "no room to read the configuration");
	read_process(L, c);
	read_pools(L, c);
	read_services(L, c);
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
	lua_pushcfunction(L, read_all);
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
