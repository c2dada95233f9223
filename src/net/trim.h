/*
 * Memory that a crowd has left goes back to the system (base/slab.h), a little at a time. Belongs to
 * the loop; whoever has slabs on it adds them when they are made, and slab_fini takes them out.
 */
#ifndef NEAP_NET_TRIM_H
#define NEAP_NET_TRIM_H

#include "base/slab.h"
#include "net/loop.h"

void trim_add(struct loop *l, struct slab *s);

/* slab_init, and trim_add. */
void trim_slab_init(struct loop *l, struct slab *s, size_t object_bytes, uint32_t cap);

/* The owner of the loop calls it every few hundred milliseconds: it looks about once a second. */
void trim_look(struct loop *l);

#endif
