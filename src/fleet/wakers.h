/*
 * How workers wake each other: an eventfd for each worker's slot on the board. The master makes
 * them before it forks, so that every worker has them all. Each reads its own.
 */
#ifndef NEAP_FLEET_WAKERS_H
#define NEAP_FLEET_WAKERS_H

#include "base/err.h"
#include "shm/board_size.h"

struct wakers {
	int fds[BOARD_WORKERS_MAX]; /* -1: not made */
};

/* None is made yet. */
void wakers_init(struct wakers *w);

/* Makes those of the first n slots that are not there yet. */
enum err wakers_open(struct wakers *w, unsigned n, struct error *e);

/* Closes them all; in a child too. */
void wakers_fini(struct wakers *w);

/* Each worker looks at its queue again. */
void wakers_wake_all(const struct wakers *w);

#endif
