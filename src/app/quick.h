/*
 * A config made from the backends on the command line.
 */
#ifndef NEAP_APP_QUICK_H
#define NEAP_APP_QUICK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define QUICK_NAME "command-line.lua"

/* What the command line says. listen: NULL for the default. */
struct quick {
	const char *listen;
	bool is_tls; /* https there, with a certificate made at the start */
	const char *const *backends;
	unsigned backends_n;
};

/* Writes a config in Lua to `to`. A backend is "8081", "host:8083", "http://…" or "unix:/…". */
enum err quick_write(char *to, size_t size, const struct quick *q, struct error *e);

#endif
