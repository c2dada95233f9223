#include "lua/conf_read_compress.h"

#include "coding/encoder.h"
#include "lua/conf_field.h"

enum { LEVEL_MAX = 9 };

/* By their names. */
static void read_codings(lua_State *L, struct conf_compress *c)
{
	field_push_table(L, "codings");
	unsigned length = field_list_length(L, "codings", CONF_CODINGS_MAX);
	for (unsigned i = 0; i < length; i++) {
		lua_rawgeti(L, -1, (int)i + 1);
		enum coding coding = coding_of(str_of(field_top_text(L, "codings")));
		if (coding == CODINGS || coding == CODING_IDENTITY)
			(void)field_refuse(L, "codings", "a list of codings");
		c->codings[i] = (uint8_t)coding;
		lua_pop(L, 1);
	}
	c->codings_n = length;
	lua_pop(L, 1);
}

static void read_levels(lua_State *L, struct conf_compress *c)
{
	field_push_table(L, "levels");
	for (unsigned i = 0; i < c->codings_n; i++) {
		struct str name = coding_name((enum coding)c->codings[i]);
		c->levels[i] = (uint8_t)field_number(L, name.p, LEVEL_MAX, 1);
	}
	lua_pop(L, 1);
}

void conf_read_compress(lua_State *L, struct conf_compress *c)
{
	if (field_push(L, "compress") == LUA_TTABLE) {
		read_codings(L, c);
		read_levels(L, c);
		field_texts(L, "types", CONF_TYPES_MAX, &c->types, &c->types_n);
		c->min_bytes = field_u32(L, "min_bytes");
		c->answers = field_u32(L, "answers");
	}
	lua_pop(L, 1);
}
