/*
 * Open files: how many a worker needs, and how many connections fit into the limit.
 */
#ifndef NEAP_FLEET_LIMITS_H
#define NEAP_FLEET_LIMITS_H

#include <stdint.h>

#include "conf/conf.h"

/*
 * Raises the soft limit of open files, which children inherit, for so many client connections with
 * one to a backend each; the hard limit too, where this process may. A smaller limit is a warning,
 * never an error.
 */
void limits_raise(uint32_t connections);

/* In the agent, which starts before the plan is known: raises its soft limit to the hard one. */
void limits_raise_own(void);

/*
 * In a worker: lowers limits.connections of all services to what fits into the limit of open files.
 */
void limits_fit(struct conf *c);

#endif
