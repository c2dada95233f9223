/*
 * What a board knows of its backends and counters, as bytes for the board of another process: for
 * an upgrade of the binary. Fixed records with a version; those of another version are not read.
 */
#ifndef NEAP_SHM_STATE_H
#define NEAP_SHM_STATE_H

#include "base/err.h"

struct board;

/* Into a new memfd; the caller closes *fd. */
enum err state_write(const struct board *b, int *fd, struct error *e);

/*
 * A board that board_inherit and board_take can take from, to be ended by board_destroy; NULL:
 * there is nothing that can be read. The descriptor stays the caller's.
 */
struct board *state_read(int fd);

#endif
