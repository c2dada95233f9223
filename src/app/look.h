/*
 * neap status, neap top and neap explain: ask the admin side of a running neap and print what it
 * says, once or again and again.
 */
#ifndef NEAP_APP_LOOK_H
#define NEAP_APP_LOOK_H

#include "base/err.h"
#include "fleet/settings.h"
#include "net/addr.h"

struct look {
	const struct settings *settings; /* whose config names the address */
	const char *admin;		 /* the address; NULL: the config's */
	const char *path;		 /* what is asked for */
	const char *module;		 /* what draws it, in Lua */
	bool is_json;
};

enum { LOOK_PATH_MAX = 512 };

/*
 * Adds a parameter to the query; value NULL: none. A value that does not fit is left out, and the
 * answer says that it is not known.
 */
void look_add_parameter(char path[LOOK_PATH_MAX], const char *name, const char *value);
/* Finds the address of the admin side. */
enum err look_find(const struct look *l, struct addr *a, struct error *e);

/* Asks once and prints the answer. */
enum err look_once(const struct look *l, struct error *e);

/* Goes on until q or a signal; looks once when the output is no terminal. */
enum err look_on(const struct look *l, struct error *e);

#endif
