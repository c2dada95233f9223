#include "lua/traceback.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "base/cc.h"
#include "base/str.h"

enum { TRACE_BYTES_MAX = 1024, TRACE_LINES_MAX = 12 };

struct description {
	lua_State *of;
	const char *error; /* NULL: it is on the stack */
	char *to;
	size_t size;
};

static bool is_own_place(struct str line)
{
	static const char *const folders[] = { "neap/runtime/", "neap/agent/", "neap/io/",
					       "neap/text/", "neap/config/" };

	for (unsigned i = 0; i < countof(folders); i++) {
		if (memmem(line.p, line.n, folders[i], strlen(folders[i])) != NULL)
			return true;
	}
	return str_eq(line, STR("[C]: in function 'error'"));
}

/* Adds a line of the traceback, unless it is our own. Returns the new length. */
static size_t add_place(char *to, size_t size, size_t n, struct str line)
{
	line = str_trim(line);
	if (line.n == 0 || is_own_place(line) || n + 8 >= size)
		return n;
	int wrote = snprintf(to + n, size - n, " < %.*s", (int)line.n, line.p);
	return wrote < 0 ? n : n + (size_t)wrote < size ? n + (size_t)wrote : size - 1;
}

/*
 * A function called in `return f(…)` leaves no frame of its caller. An error that should name the
 * caller's line then names the line where the runtime calls the hook, which helps nobody.
 */
static const char *without_runtime_line(const char *text, bool *has_none)
{
	static const char place[] = "lua/neap/runtime/dispatch.lua:";
	*has_none = strncmp(text, place, sizeof place - 1) == 0;
	if (!*has_none)
		return text;
	const char *rest = strstr(text + sizeof place - 1, ": ");
	return rest != NULL ? rest + 2 : text;
}

static int describe_protected(lua_State *L)
{
	struct description *d = lua_touserdata(L, 1);
	const char *text = d->error != NULL ? d->error : lua_tostring(d->of, -1);
	if (text == NULL)
		text = lua_pushfstring(L, "the error is a %s, not a text",
				       luaL_typename(d->of, -1));
	bool has_none;
	text = without_runtime_line(text, &has_none);
	(void)snprintf(d->to, d->size, "%s%s", text,
		       has_none ? " (in a call after return: its line is not known)" : "");
	size_t n = strlen(d->to);
	luaL_traceback(L, d->of, "", 0);
	struct str rest = str_of(lua_tostring(L, -1)), line;
	for (unsigned i = 0; i < TRACE_LINES_MAX && str_split(&rest, '\n', &line); i++) {
		if (i >= 2) /* the first two are "" and "stack traceback:" */
			n = add_place(d->to, d->size, n, line);
	}
	return 0;
}

void traceback_describe(lua_State *L, lua_State *of, const char *error, char *to, size_t size)
{
	struct description d = { .of = of, .error = error, .to = to, .size = size };
	to[0] = '\0';
	if (lua_cpcall(L, describe_protected, &d) != 0) {
		lua_pop(L, 1);
		if (to[0] == '\0')
			(void)snprintf(to, size, "not enough memory");
	}
	for (char *p = to; *p != '\0'; p++) {
		if (*p == '\n')
			*p = ' ';
	}
}

int traceback_handler(lua_State *L)
{
	char text[TRACE_BYTES_MAX];
	traceback_describe(L, L, lua_tostring(L, 1), text, sizeof text);
	lua_pushstring(L, text);
	return 1;
}
