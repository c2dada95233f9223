/*
 * Fields of the Lua table on top of the stack, read without metamethods. All of them leave the stack
 * as it was, unless they push, and raise a Lua error that names the key when the value is not what was
 * asked for: call them protected.
 */
#ifndef NEAP_LUA_CONF_FIELD_H
#define NEAP_LUA_CONF_FIELD_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raises "KEY: this is not EXPECTED". */
int field_refuse(lua_State *L, const char *key, const char *expected);

/* Pushes table[key]; returns its type. */
int field_push(lua_State *L, const char *key);
void field_push_table(lua_State *L, const char *key);

/* How many items the list on top has, at most max. */
unsigned field_list_length(lua_State *L, const char *key, unsigned max);

/* A number from 0 to max; nil and false are `none`. */
double field_number(lua_State *L, const char *key, double max, double none);
uint32_t field_u32(lua_State *L, const char *key);
uint32_t field_ms(lua_State *L, const char *key); /* of seconds */
bool field_bool(lua_State *L, const char *key);	  /* absent: false */

/* The text on top, without zero bytes; it lives as long as it is on the stack. */
const char *field_top_text(lua_State *L, const char *key);

/* Into to[size]; "" when it is not there. */
void field_text(lua_State *L, const char *key, char *to, size_t size);

/* Allocated, for the caller to free; *to stays as it is when it is not there. */
void field_long_text(lua_State *L, const char *key, char **to);

/* Is the text under key that word? An absent one is not. */
bool field_is(lua_State *L, const char *key, const char *word);

/* n zeroed items of that size (one at least), for the caller to free. */
void *field_list(lua_State *L, size_t n, size_t size);

/* The list of texts under key; *n counts what is filled, so that a failure half way is freed. */
void field_texts(lua_State *L, const char *key, unsigned max, char ***to, unsigned *n);

#endif
