/*
 * neap reload: finds the master, asks it for a reload, waits for the result.
 */
#ifndef NEAP_APP_ASK_H
#define NEAP_APP_ASK_H

#include <sys/types.h>

#include "app/settings.h"
#include "base/err.h"

/*
 * pid 0: by s->pid_file, else by the pid_file of s->config, else the only one that runs, else by the
 * pid_file of ./config.lua. The toy backends of a demo do not count. Prints what serves on stdout;
 * else the error's text says why not, one line an error.
 */
enum err ask_reload(const struct settings *s, pid_t pid, struct error *e);

#endif
