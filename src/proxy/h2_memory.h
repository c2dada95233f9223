/* What all connections of HTTP/2 of a worker take their memory from. */
#ifndef NEAP_PROXY_H2_MEMORY_H
#define NEAP_PROXY_H2_MEMORY_H

#include "base/slab.h"
#include "http/h2_session.h"

struct h2_memory {
	struct h2_shared shared;
	struct slab clients;	 /* streams, with their exchanges */
	struct slab small_heads; /* most heads fit; larger ones move to a front's blocks */
	struct slab pieces;	 /* of h2_queue.h */
	struct slab outs;	 /* of h2_link.h */
};

#endif
