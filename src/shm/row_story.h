/*
 * Stories of requests: texts of JSON on two shelves, where the newest push out the oldest. Those of
 * failures have a shelf of their own, so that they stay longer. Changed by board_story.c.
 */
#ifndef NEAP_SHM_ROW_STORY_H
#define NEAP_SHM_ROW_STORY_H

#include <stdatomic.h>
#include <stdint.h>

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum { BOARD_STORY_BYTES = 4096, BOARD_STORIES = 512 };
/* cdef end */
enum board_shelf { BOARD_SHELF_SAMPLED, BOARD_SHELF_FAILED, BOARD_SHELVES };

struct board_story {
	_Atomic uint64_t turn; /* odd while it is written; 0: never */
	_Atomic uint64_t text[BOARD_STORY_BYTES / 8];
};

struct board_shelf_rows {
	_Atomic uint64_t next;
	struct board_story rows[BOARD_STORIES];
};

#endif
