#include "lua/conf_field.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/str.h"

int field_refuse(lua_State *L, const char *key, const char *expected)
{
	return luaL_error(L, "%s: this is not %s", key, expected);
}

int field_push(lua_State *L, const char *key)
{
	if (!lua_istable(L, -1))
		return field_refuse(L, key, "in a table");
	lua_pushstring(L, key);
	lua_rawget(L, -2);
	return lua_type(L, -1);
}

void field_push_table(lua_State *L, const char *key)
{
	if (field_push(L, key) != LUA_TTABLE)
		(void)field_refuse(L, key, "a table");
}

unsigned field_list_length(lua_State *L, const char *key, unsigned max)
{
	size_t n = lua_objlen(L, -1);
	if (n > max)
		(void)field_refuse(L, key, "a list of that length");
	return (unsigned)n;
}

double field_number(lua_State *L, const char *key, double max, double none)
{
	double value = none;
	int type = field_push(L, key);

	if (type == LUA_TNUMBER)
		value = lua_tonumber(L, -1);
	else if (type != LUA_TNIL && (type != LUA_TBOOLEAN || lua_toboolean(L, -1)))
		(void)field_refuse(L, key, "a number");
	if (type == LUA_TNUMBER && !(value >= 0 && value <= max)) /* NaN too */
		(void)field_refuse(L, key, "in its range");
	lua_pop(L, 1);
	return value;
}

uint32_t field_u32(lua_State *L, const char *key)
{
	return (uint32_t)field_number(L, key, UINT32_MAX, 0);
}

uint32_t field_ms(lua_State *L, const char *key)
{
	return num_ms_of_seconds(field_number(L, key, UINT32_MAX / 1000.0, 0));
}

bool field_bool(lua_State *L, const char *key)
{
	int type = field_push(L, key);
	if (type != LUA_TBOOLEAN && type != LUA_TNIL)
		(void)field_refuse(L, key, "a boolean");
	bool value = lua_toboolean(L, -1) != 0;
	lua_pop(L, 1);
	return value;
}

const char *field_top_text(lua_State *L, const char *key)
{
	if (lua_type(L, -1) != LUA_TSTRING)
		(void)field_refuse(L, key, "a text");
	size_t n;
	const char *text = lua_tolstring(L, -1, &n);
	if (strlen(text) != n)
		(void)field_refuse(L, key, "a text without zero bytes");
	return text;
}

void field_text(lua_State *L, const char *key, char *to, size_t size)
{
	to[0] = '\0';
	if (field_push(L, key) != LUA_TNIL && !str_copy(to, size, str_of(field_top_text(L, key))))
		(void)field_refuse(L, key, "short enough");
	lua_pop(L, 1);
}

static char *copy_top(lua_State *L, const char *key)
{
	char *copy = strdup(field_top_text(L, key));
	if (copy == NULL)
		(void)luaL_error(L, "%s: out of memory", key);
	return copy;
}

void field_long_text(lua_State *L, const char *key, char **to)
{
	if (field_push(L, key) != LUA_TNIL)
		*to = copy_top(L, key);
	lua_pop(L, 1);
}

bool field_is(lua_State *L, const char *key, const char *word)
{
	bool is = field_push(L, key) != LUA_TNIL && strcmp(field_top_text(L, key), word) == 0;
	lua_pop(L, 1);
	return is;
}

void *field_list(lua_State *L, size_t n, size_t size)
{
	void *p = calloc(n > 0 ? n : 1, size);
	if (p == NULL)
		(void)luaL_error(L, "out of memory");
	return p;
}

void field_texts(lua_State *L, const char *key, unsigned max, char ***to, unsigned *n)
{
	field_push_table(L, key);
	unsigned length = field_list_length(L, key, max);
	*to = field_list(L, length, sizeof(char *));
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		(*to)[i] = copy_top(L, key);
		*n = i + 1;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
}
