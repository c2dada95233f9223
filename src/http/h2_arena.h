/*
 * The memory of one session of nghttp2: its few large pieces lie in a region of its own, the many small
 * ones are malloc's. The region is 28 KiB, in which an idle session has written about one or two. While
 * nothing happens on a connection, these are kept elsewhere, and the region's pages are given back to
 * the system: the session falls asleep. It is at the same addresses again when it wakes.
 *
 * One worker, one loop. Nobody may look at a session that sleeps.
 */
#ifndef NEAP_HTTP_H2_ARENA_H
#define NEAP_HTTP_H2_ARENA_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>

#include "base/slab.h"

enum { H2_ARENA_BYTES = 28 * 1024 };

struct h2_image;

struct h2_arena {
	struct slab *from;
	char *memory; /* NULL: it is not open */
	uint32_t used;
	struct h2_image *image; /* what was written in the region, as long as it sleeps */
};

void h2_arena_init_slab(struct slab *arenas);

/* false: there is no memory. */
bool h2_arena_open(struct h2_arena *a, struct slab *arenas);

/* For a session; *a stays where it is as long as that lives. */
nghttp2_mem h2_arena_mem(struct h2_arena *a);

/* When memory is short it stays awake. */
void h2_arena_sleep(struct h2_arena *a);
void h2_arena_wake(struct h2_arena *a); /* it sleeps */

/* The session is gone. Harmless on one that is not open. */
void h2_arena_close(struct h2_arena *a);

#endif
