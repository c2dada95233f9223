/*
 * How much each of very many sources may send a second, in memory that does not grow with them: a
 * count-min sketch (Cormode and Muthukrishnan, 2005) with conservative update, of the times that
 * the generic cell rate algorithm keeps. A source has a cell in each of four rows, and what it may send is what
 * the least used of them allows. So nobody is ever forgotten or takes another one's place: a source
 * never gets more than its rate, and gets less only if others have used up all four of its cells. One whose
 * datagrams are refused uses up nothing.
 */
#ifndef NEAP_NET_SOURCE_RATE_H
#define NEAP_NET_SOURCE_RATE_H

#include <stdint.h>

/* 2 MiB, of which the system gives what is touched. */
struct source_rate;

/* NULL: no memory. */
struct source_rate *source_rate_create(uint32_t per_second);
void source_rate_destroy(struct source_rate *r); /* NULL is harmless */

/*
 * n more of the source with that hash, which nobody outside can foresee. How many of them may pass; after
 * a pause it is as many as a second's at once.
 */
uint32_t source_rate_take(struct source_rate *r, uint64_t hash, uint32_t n, int64_t now_us);

#endif
