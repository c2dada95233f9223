/*
 * Takes from an agent or a worker, for good, the system calls that it does not need (seccomp(2)), so
 * that whoever takes it over by a policy or by a fault of ours has less to go on with. Three answers:
 * what such processes do is allowed, for some calls by their arguments; what only an intruder asks
 * for (another program, a process, other rights) kills the process, which the master tells; anything
 * else is answered as by a kernel that does not know it.
 */
#ifndef NEAP_FLEET_HARDENING_H
#define NEAP_FLEET_HARDENING_H

#include <stdbool.h>

/* False where it cannot be: an old kernel, another machine, a build with sanitizers. */
bool hardening_exists(void);

/* Holds for all threads, also those to come. Needs PR_SET_NO_NEW_PRIVS. False: see errno. */
bool hardening_apply(void);

#endif
