#include "lua/conf_read_tls.h"

#include "lua/conf_field.h"

enum { CERTIFICATES_MAX = 10000, DOMAINS_MAX = 1000, DEPTH_MAX = 100 };

static void read_certificate(lua_State *L, struct conf_tls_certificate *c)
{
	field_long_text(L, "where", &c->where);
	field_long_text(L, "certificate", &c->certificate);
	field_long_text(L, "key", &c->key);
	field_long_text(L, "ocsp", &c->ocsp);
}

static void read_certificates(lua_State *L, struct conf_tls *t)
{
	field_push_table(L, "certificates");
	unsigned length = field_list_length(L, "certificates", CERTIFICATES_MAX);
	t->certificates = field_list(L, length, sizeof(*t->certificates));
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		t->certificates_n = i + 1; /* first, so that one half read is freed, too */
		read_certificate(L, &t->certificates[i]);
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}

static enum conf_tls_version read_version(lua_State *L, const char *key)
{
	return field_is(L, key, "1.3") ? CONF_TLS_1_3 : CONF_TLS_1_2;
}

/* false: nothing is asked of clients. */
static void read_client(lua_State *L, struct conf_tls_client *c)
{
	if (field_push(L, "client") == LUA_TTABLE) {
		c->verify = field_is(L, "verify", "request") ? CONF_TLS_VERIFY_REQUEST
							     : CONF_TLS_VERIFY_REQUIRE;
		field_long_text(L, "ca", &c->ca);
		field_long_text(L, "crl", &c->crl);
		c->depth = (uint32_t)field_number(L, "depth", DEPTH_MAX, 0);
	}
	lua_pop(L, 1);
}

/* A boolean, or a table with keys. */
static void read_tickets(lua_State *L, struct conf_tls *t)
{
	int type = field_push(L, "tickets");

	t->tickets = lua_toboolean(L, -1) != 0;
	if (type == LUA_TTABLE)
		field_long_text(L, "keys", &t->ticket_keys);
	lua_pop(L, 1);
}

/* The rest of it is for the agent alone and stays in Lua. */
static void read_acme(lua_State *L, struct conf_tls_acme *a)
{
	a->on = field_push(L, "acme") == LUA_TTABLE;
	if (a->on) {
		a->tls_alpn = field_is(L, "challenge", "tls-alpn-01");
		field_long_text(L, "storage", &a->storage);
		field_long_text(L, "ca", &a->ca);
		field_texts(L, "domains", DOMAINS_MAX, &a->domains, &a->domains_n);
	}
	lua_pop(L, 1);
}

static void read_settings(lua_State *L, struct conf_tls *t)
{
	field_long_text(L, "where", &t->where);
	read_certificates(L, t);
	t->self_signed = field_bool(L, "self_signed");
	t->is_strict = field_is(L, "sni", "strict");
	t->min_version = read_version(L, "min_version");
	t->max_version = read_version(L, "max_version");
	field_long_text(L, "ciphers", &t->ciphers);
	field_long_text(L, "ciphersuites", &t->ciphersuites);
	field_long_text(L, "groups", &t->groups);
	read_client(L, &t->client);
	read_tickets(L, t);
	read_acme(L, &t->acme);
}

void conf_read_tls(lua_State *L, struct conf_tls *t)
{
	t->on = field_push(L, "tls") == LUA_TTABLE;
	if (t->on)
		read_settings(L, t);
	lua_pop(L, 1);
}

void conf_read_pool_tls(lua_State *L, struct conf_pool_tls *t)
{
	t->min_version = CONF_TLS_1_2;
	if (field_push(L, "tls") == LUA_TTABLE) {
		field_long_text(L, "where", &t->where);
		t->skips_verify = !field_bool(L, "verify");
		t->is_ambiguous = field_bool(L, "is_ambiguous");
		field_long_text(L, "ca", &t->ca);
		field_long_text(L, "server_name", &t->server_name);
		field_long_text(L, "certificate", &t->certificate);
		field_long_text(L, "key", &t->key);
		t->min_version = read_version(L, "min_version");
	}
	lua_pop(L, 1);
}
