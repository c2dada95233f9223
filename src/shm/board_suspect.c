#include "shm/board_suspect.h"

#include "shm/words.h"

void board_suspect(struct board *b, int slot, struct str reason)
{
	struct board_backend *backend = &b->backends[slot];
	int32_t pool = atomic_load_explicit(&backend->pool, memory_order_acquire);

	/* Only the first failure of a row writes, so the reason has one writer. */
	if (atomic_fetch_add_explicit(&backend->suspicion, 1, memory_order_relaxed) == 0)
		words_store_text(b->prose[slot].suspicion, BOARD_REASON_WORDS, reason);
	atomic_fetch_add_explicit(&backend->suspected, 1, memory_order_release);
	if (pool >= 0 && pool < BOARD_POOLS_MAX)
		atomic_fetch_add_explicit(&b->pools[pool].suspected, 1, memory_order_release);
}

size_t board_suspicion_reason(const struct board *b, int slot, char *to, size_t size)
{
	return words_load_text(to, size, b->prose[slot].suspicion, BOARD_REASON_WORDS);
}
