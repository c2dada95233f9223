/*
 * The one place that ends a request's accounting: counters, the outcome, the log hook, and all
 * memory that scripts own of it.
 */
#ifndef NEAP_PROXY_ACCESS_H
#define NEAP_PROXY_ACCESS_H

#include "proxy/state.h"

/* Once for each exchange whose head was read (whole or refused). */
void access_end(struct exchange *ex);

#endif
