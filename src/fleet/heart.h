/*
 * Heartbeats. A process that is stuck is killed and replaced: after 2 s in the same entry into a
 * hook (which the fuse inside the process could not stop), or after 10 s in our own Lua or in which
 * its loop did nothing at all. The master calls it four times per second.
 */
#ifndef NEAP_FLEET_HEART_H
#define NEAP_FLEET_HEART_H

#include "fleet/generation.h"

struct heart {
	int64_t last_ms; /* when it looked last; 0: never */
	bool must_forgive;
};

/* A round begins; then heart_look for each generation. */
void heart_begin(struct heart *h, int64_t now_ms);
void heart_look(const struct heart *h, struct generation *g);

#endif
