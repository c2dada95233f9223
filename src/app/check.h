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

/* The pid file that the config names, "" for none. */
enum err check_pid_file(const struct settings *s, char *to, size_t size, struct error *e);

/* Where its admin side listens, "" for none. */
enum err check_admin(const struct settings *s, char *to, size_t size, struct error *e);

#endif
