/*
 * neap demo: four toy backends (each a neap of its own, whose request hook answers with its name),
 * the balancer before them in this process, and a live table. Everything ends with it. A toy that
 * was killed stays away until somebody starts it again.
 */
#ifndef NEAP_APP_DEMO_H
#define NEAP_APP_DEMO_H

#include "base/err.h"

/*
 * listen: of the balancer, NULL for ":8080"; the backends are on the four ports above it. backend:
 * NULL, or the name of one to start alone, as a process of its own. workers: of the balancer, 0 for
 * the usual number. Returns when stopped.
 */
enum err demo_run(const char *listen, const char *backend, unsigned workers, struct error *e);

#endif
