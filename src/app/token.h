/*
 * The admin side's token, for commands that need it.
 */
#ifndef NEAP_APP_TOKEN_H
#define NEAP_APP_TOKEN_H

#include "app/fetch.h"
#include "app/look.h"

/*
 * From the file; NULL: from the config that l names, which has it or names its file. ERR_INVALID:
 * there is none, and the text says how to give one.
 */
enum err token_find(const struct look *l, const char *file, char to[FETCH_TOKEN_MAX],
		    struct error *e);

#endif
