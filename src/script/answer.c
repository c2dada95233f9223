#include "script/answer.h"

#include <lauxlib.h>
#include <stdlib.h>

#include "http/h1_head.h"

struct asked {
	const struct vm_question *q;
	struct vm_answer *a;
};

static void set_str(lua_State *L, const char *key, struct str value)
{
	lua_pushlstring(L, value.p, value.n);
	lua_setfield(L, -2, key);
}

/* By name in lower case; the values of fields of one name become one list (RFC 9110 §5.3). */
static void set_headers(lua_State *L, const struct vm_question *q)
{
	lua_createtable(L, 0, q->head->n);
	for (unsigned i = 0; i < q->head->n; i++) {
		const struct http_field *f = &q->head->fields[i];
		struct str name = http_field_name(q->base, f);
		struct str value = http_field_value(q->base, f);
		luaL_Buffer lower;
		luaL_buffinit(L, &lower);
		for (size_t at = 0; at < name.n; at++)
			luaL_addchar(&lower, str_lower_char(name.p[at]));
		luaL_pushresult(&lower);
		lua_pushvalue(L, -1);
		lua_rawget(L, -3);
		bool is_known = !lua_isnil(L, -1);
		lua_pop(L, 1);
		if (is_known) {
			lua_pushliteral(L, ", ");
			lua_pushvalue(L, -2);
			lua_rawget(L, -4);
			lua_insert(L, -2);
			lua_pushlstring(L, value.p, value.n);
			lua_concat(L, 3);
		} else {
			lua_pushlstring(L, value.p, value.n);
		}
		lua_rawset(L, -3);
	}
	lua_setfield(L, -2, "headers");
}

static void push_question(lua_State *L, const struct vm_question *q)
{
	const struct http_head *h = q->head;
	char ip[INET6_ADDRSTRLEN];

	lua_createtable(L, 0, 11);
	set_str(L, "method", http_str(q->base, h->method));
	set_str(L, "path", h1_path(h, q->base));
	set_str(L, "query", http_str(q->base, h->query));
	set_str(L, "host", http_str(q->base, h->host));
	set_str(L, "body", q->body);
	set_str(L, "client", (struct str){ ip, peer_print_ip(q->peer, ip) });
	lua_pushboolean(L, q->peer->family == AF_UNIX);
	lua_setfield(L, -2, "is_unix");
	lua_pushboolean(L, q->is_draining);
	lua_setfield(L, -2, "is_draining");
	lua_pushboolean(L, q->has_waited);
	lua_setfield(L, -2, "has_waited");
	set_headers(L, q);
}

/* Protected. neap.admin.answer(question) → status, header lines, body */
static int answer_protected(lua_State *L)
{
	const struct asked *x = lua_touserdata(L, 1);
	struct vm_answer *a = x->a;
	size_t n;

	lua_getglobal(L, "require");
	lua_pushliteral(L, "neap.admin");
	lua_call(L, 1, 1);
	lua_getfield(L, -1, "answer");
	push_question(L, x->q);
	lua_call(L, 1, 3);
	const char *headers = luaL_checklstring(L, -2, &a->headers_n);
	if (a->headers_n > sizeof(a->headers))
		return luaL_error(L, "the answer's head is too long");
	memcpy(a->headers, headers, a->headers_n);
	a->status = (uint16_t)luaL_checkinteger(L, -3);
	const char *body = luaL_checklstring(L, -1, &n);
	a->body = malloc(n + 1);
	if (a->body == NULL)
		return luaL_error(L, "out of memory");
	memcpy(a->body, body, n);
	a->body_n = n;
	return 0;
}

enum err vm_answer(struct vm *vm, const struct vm_question *q, struct vm_answer *a, struct error *e)
{
	struct asked x = { q, a };

	*a = (struct vm_answer){ .status = 500 };
	lua_pushcfunction(vm->L, answer_protected);
	lua_pushlightuserdata(vm->L, &x);
	return vm_call(vm, 1, 0, FUSE_TICKS_RUNTIME, e);
}
