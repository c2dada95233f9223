#include "shm/board_story.h"

#include "shm/board.h"
#include "shm/words.h"

void board_story_put(struct board *b, enum board_shelf shelf, struct str text)
{
	struct board_shelf_rows *s = &b->stories[shelf];
	char copy[BOARD_STORY_BYTES] = { 0 };
	uint64_t number = atomic_fetch_add(&s->next, 1);
	struct board_story *row = &s->rows[number % BOARD_STORIES];

	if (text.n >= sizeof(copy))
		return;
	memcpy(copy, text.p, text.n);
	atomic_store_explicit(&row->turn, 2 * number + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release); /* a reader of a new word sees that turn */
	words_store(row->text, copy, (text.n + 8) / 8 * 8);
	atomic_store_explicit(&row->turn, 2 * number + 2, memory_order_release);
}

uint64_t board_story_count(const struct board *b, enum board_shelf shelf)
{
	return atomic_load(&b->stories[shelf].next);
}

size_t board_story_get(const struct board *b, enum board_shelf shelf, uint64_t number, char *to)
{
	const struct board_story *row = &b->stories[shelf].rows[number % BOARD_STORIES];

	if (atomic_load_explicit(&row->turn, memory_order_acquire) != 2 * number + 2)
		return 0;
	words_load(to, row->text, BOARD_STORY_BYTES);
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&row->turn, memory_order_relaxed) != 2 * number + 2)
		return 0;
	to[BOARD_STORY_BYTES - 1] = '\0';
	return strlen(to);
}
