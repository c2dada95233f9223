/*
 * The config for those who have none: made from the backends on the command line.
 */
#ifndef NEAP_APP_QUICK_H
#define NEAP_APP_QUICK_H

#include <stddef.h>

#include "base/err.h"

#define QUICK_NAME "command-line.lua"

/*
 * A config in Lua into TO: listen (NULL: the default), backends "8081", "host:8083", "http://…",
 * "unix:/…".
 */
enum err quick_write(char *to, size_t size, const char *listen, const char *const *backends,
		     unsigned count, struct error *e);

#endif
