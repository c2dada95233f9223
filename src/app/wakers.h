/*
 * How workers wake each other: an eventfd for each worker's slot on the board, made by the master
 * before it forks, so that all have them all. Each worker reads its own.
 */
#ifndef NEAP_APP_WAKERS_H
#define NEAP_APP_WAKERS_H

#include "base/err.h"
#include "shm/board.h"

struct wakers {
	int fds[BOARD_WORKERS_MAX]; /* -1: not made */
};

void wakers_init(struct wakers *w);
/* Makes those of the first n slots that are not there yet. */
enum err wakers_open(struct wakers *w, unsigned n, struct error *e);
void wakers_fini(struct wakers *w);

void wakers_wake_all(const struct wakers *w);

#endif
