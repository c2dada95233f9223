/*
 * Errors of Lua in one line: the text, then the lines of user code that led there. What calls hooks,
 * and what hooks call, is left out: it is no place where their author could look.
 */
#ifndef NEAP_LUA_TRACEBACK_H
#define NEAP_LUA_TRACEBACK_H

#include <lua.h>
#include <stddef.h>

/*
 * Describes an error with the traceback of OF: the text ERROR, or (NULL) the value on top of OF, which
 * stays there. Works on the state's main stack L, protected; without memory the text says so.
 */
void traceback_describe(lua_State *L, lua_State *of, const char *error, char *to, size_t size);

/* For lua_pcall: makes the error that text. Lua's main stack only. */
int traceback_handler(lua_State *L);

#endif
