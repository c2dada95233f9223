/*
 * neap check, neap -t: is this config fit to run? In a child without a network of its own doing, as
 * the config's user.
 */
#ifndef NEAP_APP_CHECK_H
#define NEAP_APP_CHECK_H

#include "app/settings.h"
#include "base/err.h"

/* Prints "FILE: ok" on stdout. Else the error's text has one line an error. */
enum err check_run(const struct settings *s, struct error *e);

/* The pid file that the config names, "" for none. */
enum err check_pid_file(const struct settings *s, char *to, size_t size, struct error *e);

/* Where its admin side listens, "" for none. */
enum err check_admin(const struct settings *s, char *to, size_t size, struct error *e);

#endif
