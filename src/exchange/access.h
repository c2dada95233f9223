/*
 * The one place that ends a request's accounting: counters, the outcome, the log hook, its line in
 * the access log, and all memory that scripts own of it.
 */
#ifndef NEAP_EXCHANGE_ACCESS_H
#define NEAP_EXCHANGE_ACCESS_H

#include "exchange/request.h"

/* Once for each request whose head was read (whole or refused), and for each connection. */
void access_end(struct request *rq);

/* Opens the access log of the plane's config; p->access stays NULL where there is none. */
enum err access_open(struct plane *p, struct error *e);
void access_reopen(struct plane *p); /* under its path, after rotation */
void access_close(struct plane *p);  /* writes what is left; harmless when it is not open */

#endif
