/*
 * Copies of requests for a pool's mirror: when a request has gone out whole for the first time, one of
 * its own begins, on a backend of the other pool. It is an exchange whose client takes every answer and
 * drops it. It begins when all else of the loop's turn is done, and holds nothing of the original, so
 * neither its client nor its backend learns of it.
 *
 * As many as MIRRORS_MAX are under way at a time; each has a time and an amount of answer to end in.
 */
#ifndef NEAP_EXCHANGE_MIRROR_H
#define NEAP_EXCHANGE_MIRROR_H

#include "exchange/plane.h"

/* of a worker: what is slower than the requests must not take all memory */
enum { MIRRORS_MAX = 1024 };

/* Does any pool have one? */
bool mirror_is_wanted(const struct conf *conf);

/*
 * Nothing, where no pool has a mirror; else p->mirrors and p->on_whole are set. fields: as many as
 * the heads of a request and an answer have at most. on_last: none is left under way; may be NULL.
 */
enum err mirrors_create(struct plane *p, uint32_t fields, void (*on_last)(struct plane *p),
			struct error *e);

/* How many are under way. */
uint32_t mirrors_under_way(const struct plane *p);

/* They end now. */
void mirrors_cut(struct plane *p, const char *reason);

void mirrors_destroy(struct plane *p); /* harmless when there are none */

#endif
