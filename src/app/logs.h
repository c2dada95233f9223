/*
 * neap logs: the last lines of the files that a config's logs go to, and those that come.
 */
#ifndef NEAP_APP_LOGS_H
#define NEAP_APP_LOGS_H

#include <stdbool.h>

#include "base/err.h"
#include "fleet/settings.h"

enum { LOGS_FILTERS_MAX = 8, LOGS_LAST = 20, LOGS_LAST_MAX = 100000 };

/* As the command line has it. */
struct logs_wish {
	bool must_follow;
	const char *last; /* so many lines of each file; NULL: LOGS_LAST */
	const char *filters[LOGS_FILTERS_MAX];
	unsigned filters_n;
};

/* Lines are shown that have each of these texts. ERR_LIMIT: too many. */
enum err logs_add_filter(struct logs_wish *w, const char *text, struct error *e);

/*
 * Prints on stdout; when it follows, until a signal. ERR_INVALID: no log goes to a file, and the text
 * says where they go.
 */
enum err logs_run(const struct logs_wish *w, const struct settings *s, struct error *e);

#endif
