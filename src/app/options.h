/*
 * The options of the command line: one row each, with what it sets and what -h says of it.
 */
#ifndef NEAP_APP_OPTIONS_H
#define NEAP_APP_OPTIONS_H

#include "app/command.h"
#include "base/str.h"

/* Steps through argv; `at` is the argument that is read. */
struct options_cursor {
	int at, argc;
	char **argv;
};

/*
 * Reads the option at the cursor into *c, and steps over its value where that is an argument of its
 * own. Long: --word, --word=value, --word value; short: -x, -xvalue, -x value, -xyz. ERR_INVALID:
 * the text says what is wrong.
 */
enum err options_read_long(struct command *c, struct options_cursor *at, struct error *e);
enum err options_read_short(struct command *c, struct options_cursor *at, struct error *e);

/* A line for each option, on stdout. only: the one with that long name; NULL: all. */
void options_print(const struct str *only);

#endif
