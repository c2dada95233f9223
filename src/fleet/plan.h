/*
 * The plan: what a loaded config asks the master to do. The agent writes it on the board. The
 * master copies it, checks the copy and uses nothing else, because user code ran in the agent.
 */
#ifndef NEAP_FLEET_PLAN_H
#define NEAP_FLEET_PLAN_H

#include <stdbool.h>

#include "base/err.h"
#include "conf/conf.h"
#include "fleet/settings.h"
#include "shm/board_plan.h"

/* Are the settings those of the plan? The error says which part of them is not. */
enum err plan_check_same(const struct board_plan *p, const struct conf *c, const char *config,
			 struct error *e);

/* Writes the plan of a config. ERR_LIMIT: the config has more than the plan has room for. */
enum err plan_write(struct board_plan *p, const struct conf *c, struct error *e);

/*
 * Makes a checked private copy, with the command line's settings applied and paths made absolute.
 * ERR_INVALID: no neap wrote that, or a path or address cannot be used.
 */
enum err plan_read(struct board_plan *to, const struct board_plan *from, const struct settings *s,
		   struct error *e);

/*
 * In a worker: makes the paths that it opens itself absolute. Only after the config's digest was
 * taken. ERR_LIMIT: too long.
 */
enum err plan_fix_paths(struct conf *c, const struct settings *s, struct error *e);

/* Is a log's target a file: neither NULL, "", "stderr" nor the syslog daemon? */
bool plan_is_file(const char *target);

/* Does the log go to a file? */
bool plan_logs_to_file(const struct board_plan *p);

#endif
