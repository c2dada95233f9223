/*
 * neap status and neap top: ask the admin side of a running neap and print what it says, once or
 * again and again.
 */
#ifndef NEAP_APP_LOOK_H
#define NEAP_APP_LOOK_H

#include "app/settings.h"
#include "base/err.h"
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
 * Adds a parameter of the query; value NULL: nothing. What does not fit is left out, and the
 * answer says that it is not known.
 */
void look_add_parameter(char path[LOOK_PATH_MAX], const char *name, const char *value);
/* Where the admin side is. */
enum err look_find(const struct look *l, struct addr *a, struct error *e);

enum err look_once(const struct look *l, struct error *e);

/* Until q or a signal; once when the output is no terminal. */
enum err look_on(const struct look *l, struct error *e);

#endif
