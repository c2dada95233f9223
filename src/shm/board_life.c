#include "shm/board_life.h"

#include "shm/board.h"
#include "shm/words.h"

void board_life_note(struct board *b, struct str why, int64_t wall_ms)
{
	struct board_life *l = &b->life;
	char text[BOARD_ERROR_WORDS * 8] = { 0 };
	uint32_t version = atomic_load_explicit(&l->error_version, memory_order_relaxed) + 1;
	size_t n = why.n < sizeof text ? why.n : sizeof text - 1;
	if (n > 0)
		memcpy(text, why.p, n);
	atomic_thread_fence(memory_order_release);
	words_store(l->error[version & 1], text, sizeof text);
	atomic_store_explicit(&l->error_version, version, memory_order_release);
	atomic_store(&l->is_failed, why.n > 0);
	atomic_store(&l->reload_ms, wall_ms);
}

void board_life_error(const struct board *b, char *to, size_t size)
{
	char text[BOARD_ERROR_WORDS * 8];
	uint32_t before, after;
	do {
		before = atomic_load_explicit(&b->life.error_version, memory_order_acquire);
		words_load(text, b->life.error[before & 1], sizeof text);
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load_explicit(&b->life.error_version, memory_order_relaxed);
	} while (before != after);
	size_t n = strnlen(text, sizeof text - 1);
	n = n < size ? n : size - 1;
	memcpy(to, text, n);
	to[n] = '\0';
}
