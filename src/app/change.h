/*
 * neap drain, undrain, up, down and weight: change one backend of a running neap by its admin side.
 */
#ifndef NEAP_APP_CHANGE_H
#define NEAP_APP_CHANGE_H

#include <stdbool.h>

#include "app/look.h"
#include "base/err.h"

/* As the command line has it; NULL: not given. */
struct change_wish {
	const char *verb, *pool, *backend, *weight;
};

bool change_is_verb(const char *word);

/* The next word behind the verb. ERR_INVALID: it is one too many. */
enum err change_add(struct change_wish *w, const char *word, struct error *e);

/* Is it complete? ERR_INVALID: the text says what is missing. */
enum err change_check(const struct change_wish *w, struct error *e);

/*
 * Says on stdout what the backend is now. token_file: NULL: the config has the token. The text of a
 * failure is the admin side's.
 */
enum err change_run(const struct change_wish *w, const char *token_file, const struct look *l,
		    struct error *e);

#endif
