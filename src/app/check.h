/*
 * neap check, neap -t: is this config fit to run? It is tried in a child, as the config's user,
 * where possible without a network.
 */
#ifndef NEAP_APP_CHECK_H
#define NEAP_APP_CHECK_H

#include "base/err.h"
#include "fleet/settings.h"

/* Prints "FILE: ok" on stdout. On failure the error's text has one line per error. */
enum err check_run(const struct settings *s, struct error *e);

/* What a command may want to know of the config that a running neap serves by. */
enum check_fact {
	CHECK_PID_FILE,
	CHECK_ADMIN, /* where its admin side listens */
	CHECK_TOKEN,
	CHECK_TOKEN_FILE,
	CHECK_LOG,
	CHECK_ACCESS_LOG,
	CHECK_FACTS
};

/* Into to[size]; "" when the config does not say. ERR_LIMIT: it is too long. */
enum err check_learn(const struct settings *s, enum check_fact fact, char *to, size_t size,
		     struct error *e);

#endif
