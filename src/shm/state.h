/*
 * What one board knows of its backends and counters, as bytes for a board of another process: over
 * an upgrade of the binary. Fixed records with a version; what another version wrote is left alone.
 */
#ifndef NEAP_SHM_STATE_H
#define NEAP_SHM_STATE_H

#include "shm/board.h"

/* Into a new memfd, in *fd. */
enum err state_write(const struct board *b, int *fd, struct error *e);

/*
 * A board that board_inherit and board_take can take from; NULL when there is nothing that can be
 * read.
 */
struct board *state_read(int fd);

#endif
