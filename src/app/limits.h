/*
 * Open files: how many a worker needs, and how many connections fit into what it may have.
 */
#ifndef NEAP_APP_LIMITS_H
#define NEAP_APP_LIMITS_H

#include <stdint.h>

#include "conf/conf.h"

/*
 * Raises the soft limit of open files (inherited by children) for so many client connections, each
 * with one to a backend; the hard one too where we may. Less than that is a warning, never an
 * error.
 */
void limits_raise(uint32_t connections);

/* In the agent, which is there before the plan: raises its soft limit to the hard one. */
void limits_raise_own(void);

/* In a worker: lowers limits.connections of all services to what the limit of open files holds. */
void limits_fit(struct conf *c);

#endif
