/*
 * neap reload: finds the master, asks it for a reload, waits for the result.
 */
#ifndef NEAP_APP_ASK_H
#define NEAP_APP_ASK_H

#include <sys/types.h>

#include "base/err.h"
#include "fleet/settings.h"

/*
 * pid 0: the master is found by s->pid_file, else by the pid_file of s->config, else as the one
 * that serves by s->config, else, without s->config, as the only one that runs. It is never
 * guessed. The toy backends of a demo do not count. Prints on stdout what serves, in which process
 * and by which config. On failure the error's text says why, one line per error.
 */
enum err ask_reload(const struct settings *s, pid_t pid, struct error *e);

#endif
