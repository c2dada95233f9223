/*
 * Objects of one size from a free list, last in first out so that the warmest memory is used
 * first. A cap bounds how many there may be; at the cap slab_take answers NULL, which is an error
 * path like any other. One process, one thread; memory is returned to the system at
 * slab_fini. Under AddressSanitizer free objects are poisoned.
 */
#ifndef NEAP_BASE_SLAB_H
#define NEAP_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

struct slab_chunk;

struct slab {
	size_t object_bytes;
	uint32_t cap;  /* most objects ever alive at once */
	uint32_t used; /* alive now */
	uint32_t made; /* carved out of chunks so far */
	uint32_t per_chunk;
	void *free;
	char *fresh; /* the part of the newest chunk never handed out yet (untouched memory) */
	uint32_t fresh_left;
	struct slab_chunk *chunks;
};

/* object_bytes is rounded up to 16; memory is not touched before it is taken. */
void slab_init(struct slab *s, size_t object_bytes, uint32_t cap);
void slab_fini(struct slab *s); /* every object must have been put back, or is abandoned */

/* Uninitialised memory, 16-byte aligned; NULL at the cap or when the system has none. */
void *slab_take(struct slab *s);
void slab_put(struct slab *s, void *object); /* NULL is harmless */

#endif
