/*
 * Heartbeats: a worker whose loop stands still is killed and replaced, 2 s after it got stuck in a
 * hook (which no fuse inside the process could stop), 10 s otherwise. Called by the master four
 * times a second.
 */
#ifndef NEAP_APP_HEART_H
#define NEAP_APP_HEART_H

#include "app/generation.h"

struct heart {
	int64_t last_ms; /* when it looked last; 0: never */
	bool must_forgive;
};

/* A round begins; then heart_look for each generation. */
void heart_begin(struct heart *h, int64_t now_ms);
void heart_look(const struct heart *h, struct generation *g);

#endif
