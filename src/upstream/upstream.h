/*
 * The upstream side of one worker: its table of backends and all connections to them. Made and
 * ended by the proxy.
 */
#ifndef NEAP_UPSTREAM_UPSTREAM_H
#define NEAP_UPSTREAM_UPSTREAM_H

#include "upstream/backend.h"

struct board;

/* workers: how many dial the same backends. u->tls is set already. */
enum err upstream_init(struct upstream *u, struct loop *loop, struct timers *timers,
		       struct board *board, unsigned workers, uint32_t max_connections,
		       struct error *e);

/* Idle connections of all backends, when descriptors are short: how many were closed. */
unsigned upstream_close_idle(struct upstream *u);
void upstream_fini(struct upstream *u); /* closes what is idle; nothing may be lent */

#endif
