/*
 * The plan: what a loaded config asks the master to do, handed over on the board. The agent writes
 * it; the master copies it, checks the copy, and uses nothing else: user code ran in the agent.
 */
#ifndef NEAP_APP_PLAN_H
#define NEAP_APP_PLAN_H

#include "app/settings.h"
#include "conf/conf.h"
#include "shm/board.h"

/* ERR_LIMIT: more than the plan holds. */
enum err plan_write(struct board_plan *p, const struct conf *c, struct error *e);

/*
 * A checked private copy with the command line's settings applied, paths made absolute.
 * ERR_INVALID: no neap wrote that, or a path or address that cannot be used.
 */
enum err plan_read(struct board_plan *to, const struct board_plan *from, const struct settings *s,
		   struct error *e);

/*
 * In a worker: the paths that it opens itself, made absolute. Not before the config's digest is
 * taken. ERR_LIMIT: too long.
 */
enum err plan_fix_paths(struct conf *c, const struct settings *s, struct error *e);

/* Is a log's target a file: neither NULL, "", "stderr" nor the syslog daemon? */
bool plan_is_file(const char *target);

/* Does the log go to a file? */
bool plan_logs_to_file(const struct board_plan *p);

#endif
