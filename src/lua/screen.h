/*
 * What commands print of an answer of the admin side. A module in Lua makes the text, in a state of
 * its own that remembers the answer before, for rates.
 */
#ifndef NEAP_LUA_SCREEN_H
#define NEAP_LUA_SCREEN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct screen;

struct screen_size {
	unsigned columns, rows; /* rows 0: as many as it takes */
	bool is_terminal;	/* colours */
};

/* MODULE (neap.admin.…) has a function draw(answer, columns, rows, is_terminal) → text. */
enum err screen_create(struct screen **s, const char *module, struct error *e);
void screen_destroy(struct screen *s);

/* The text holds until the next call. */
enum err screen_draw(struct screen *s, struct str status, const struct screen_size *size,
		     struct str *text, struct error *e);

#endif
