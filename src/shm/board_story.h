/*
 * Stories of requests for `neap explain`.
 */
#ifndef NEAP_SHM_BOARD_STORY_H
#define NEAP_SHM_BOARD_STORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "shm/row_story.h"

struct board;

/* Any process; a text that is too long is left out. */
void board_story_put(struct board *b, enum board_shelf shelf, struct str text);

/* How many were put there so far. The last BOARD_STORIES of them are left, numbered upwards. */
uint64_t board_story_count(const struct board *b, enum board_shelf shelf);

/*
 * The text of the story of that number, from 0, into TO (BOARD_STORY_BYTES, zero terminated);
 * its length, 0: it is gone, or it is being written.
 */
size_t board_story_get(const struct board *b, enum board_shelf shelf, uint64_t number, char *to);

#endif
