/*
 * neap demo: four toy backends, the balancer in front of them in this process, and a live table.
 * Each toy is a neap of its own, whose request hook answers with its name. Everything ends with the
 * demo. A toy that was killed stays away until somebody starts it again.
 */
#ifndef NEAP_APP_DEMO_H
#define NEAP_APP_DEMO_H

#include <stdbool.h>

#include "base/err.h"

struct demo_options {
	const char *listen;  /* the balancer's address, NULL for ":8080"; the backends are on the
			       four ports above it */
	bool is_tls;	     /* https there, with a certificate made at the start */
	const char *backend; /* NULL, or the name of one to start alone, as a process of its own */
	unsigned workers;    /* the balancer's, 0 for the usual number */
};

/* Returns when stopped. */
enum err demo_run(const struct demo_options *o, struct error *e);

#endif
