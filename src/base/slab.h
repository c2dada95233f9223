/*
 * Objects of one size from a free list, last in first out so that the warmest memory is used
 * first. A cap bounds how many there may be; at the cap slab_take answers NULL, which is an error
 * path like any other. One process, one thread. Under AddressSanitizer free objects are poisoned.
 *
 * Memory is returned to the system at slab_fini, and by slab_trim while much less is used than was
 * lately. That parks free objects: each in the list of its chunk, which is found by the address. A
 * chunk with all of its objects can go. Objects that are taken again come from one parked chunk
 * after the other, so taking and putting cost no more than without.
 */
#ifndef NEAP_BASE_SLAB_H
#define NEAP_BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct slab {
	size_t object_bytes;
	uint32_t cap;  /* most objects ever alive at once */
	uint32_t used; /* alive now */
	uint32_t made; /* carved out of the chunks that there are */
	uint32_t per_chunk;
	void *free;  /* without those that are parked */
	char *fresh; /* the part of the newest chunk never handed out yet (untouched memory) */
	uint32_t fresh_left;
	size_t span;	    /* of a chunk, which begins at a multiple of it */
	struct list chunks; /* with nothing parked */
	struct list parked; /* with something; those with all of their objects are the last */
	uint32_t parked_n;  /* objects */
	uint32_t lately;    /* so many were in use at once, the longer ago the less */
	struct list node;   /* for its owner */
};

/*
 * object_bytes is rounded up to 16; memory is not touched before it is taken. *s stays where it is.
 */
void slab_init(struct slab *s, size_t object_bytes, uint32_t cap);

/* Every object must have been put back, or is abandoned. Harmless on one that is all zero. */
void slab_fini(struct slab *s);

/* The object's pages are zeros from now on, and the system has them. For objects of slab_whole_pages. */
void slab_give_pages(const struct slab *s, void *object);

/* The least number of whole pages, in bytes, that has room for so many. Pages are not 4 KiB everywhere. */
size_t slab_whole_pages(size_t bytes);

/* Uninitialised memory, 16-byte aligned; NULL at the cap or when the system has none. */
void *slab_take(struct slab *s);
void slab_put(struct slab *s, void *object); /* NULL is harmless */

/* From time to time, before slab_trim: what was in use since the last time is noted. */
void slab_look(struct slab *s);

/*
 * Chunks that are free go back, but for what was in use lately and a reserve. Each object looked at
 * and each page given back takes one from *budget. false: that was too little, there is more to do.
 */
bool slab_trim(struct slab *s, uint32_t *budget);

#endif
