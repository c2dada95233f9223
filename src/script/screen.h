/*
 * What neap status and neap top print: /status as text, by lua/neap/admin/screen.lua, in a Lua
 * state of its own that remembers the answer before, for rates.
 */
#ifndef NEAP_SCRIPT_SCREEN_H
#define NEAP_SCRIPT_SCREEN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

struct screen;

struct screen_size {
	unsigned columns, rows; /* rows 0: as many as it takes */
	bool is_terminal;	/* colours */
};

enum err screen_create(struct screen **s, struct error *e);
void screen_destroy(struct screen *s);

/* The text holds until the next call. */
enum err screen_draw(struct screen *s, struct str status, const struct screen_size *size,
		     struct str *text, struct error *e);

#endif
