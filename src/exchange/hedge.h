/*
 * The rivals of requests that wait too long (rivalry.h): exchanges whose client drops what it gets, as
 * their answer goes to the other's. Each ends before its request does.
 *
 * Where no pool hedges there is nothing of it.
 */
#ifndef NEAP_EXCHANGE_HEDGE_H
#define NEAP_EXCHANGE_HEDGE_H

#include "exchange/plane.h"

enum { HEDGES_MAX = 4096 }; /* of a worker, at a time */

/* Does any pool have them? */
bool hedge_is_wanted(const struct conf *conf);

/* Sets p->hedges and p->on_slow, where a pool has them. fields: as for mirrors_create. */
enum err hedges_create(struct plane *p, uint32_t fields, struct error *e);
void hedges_destroy(struct plane *p); /* none may be under way; harmless when there are none */

#endif
