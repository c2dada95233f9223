/*
 * The leg of HTTP/2: a stream on a connection that others use too (h2_conn.h).
 */
#ifndef NEAP_UPSTREAM_H2_LEG_H
#define NEAP_UPSTREAM_H2_LEG_H

#include "upstream/h2_conn.h"
#include "upstream/leg.h"

/* What connections tell, of all legs. */
extern const struct h2_events h2_leg_events;

/* c has room for a stream (h2_pool_join). false: no memory. */
bool h2_leg_open(struct leg *leg, struct h2_conn *c);

#endif
