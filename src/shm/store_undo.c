#include "shm/store_undo.h"

#include "shm/store_item.h"

static size_t words_of(const struct store_shard *h, uint32_t at)
{
	const struct store_cell *cell = &h->cells[at];
	size_t n = store_words(atomic_load_explicit(&cell->key_n, memory_order_relaxed)) +
		   store_words(atomic_load_explicit(&cell->value_n, memory_order_relaxed));
	return n < STORE_UNDO_WORDS ? n : STORE_UNDO_WORDS;
}

void store_undo_begin(const struct store_shard *h, uint32_t at)
{
	struct store_undo *undo = &h->row->undo;
	const struct store_cell *cell = &h->cells[at];
	struct store_walk w;
	size_t n = words_of(h, at);

	atomic_store_explicit(&undo->kind, cell->kind, memory_order_relaxed);
	atomic_store_explicit(&undo->value_n, cell->value_n, memory_order_relaxed);
	atomic_store_explicit(&undo->expires_ms, cell->expires_ms, memory_order_relaxed);
	store_walk_begin(&w, h, at);
	for (size_t i = 0; i < n; i++) {
		const _Atomic uint64_t *word = store_walk_next(&w);
		if (word == NULL)
			break;
		atomic_store_explicit(&undo->words[i],
				      atomic_load_explicit(word, memory_order_relaxed),
				      memory_order_relaxed);
	}
	atomic_store_explicit(&undo->at, at, memory_order_release);
	/* The order of instructions is enough: what a process has stored stays when it dies. */
	atomic_signal_fence(memory_order_seq_cst);
}

void store_undo_end(const struct store_shard *h)
{
	atomic_store_explicit(&h->row->undo.at, 0, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
}

static void put_back(const struct store_shard *h, uint32_t at)
{
	const struct store_undo *undo = &h->row->undo;
	struct store_cell *cell = &h->cells[at];
	struct store_walk w;

	atomic_store_explicit(&cell->kind, undo->kind, memory_order_relaxed);
	atomic_store_explicit(&cell->value_n, undo->value_n, memory_order_relaxed);
	atomic_store_explicit(&cell->expires_ms, undo->expires_ms, memory_order_relaxed);
	size_t n = words_of(h, at);
	store_walk_begin(&w, h, at);
	for (size_t i = 0; i < n; i++) {
		_Atomic uint64_t *word = store_walk_next(&w);
		if (word == NULL)
			break;
		atomic_store_explicit(word,
				      atomic_load_explicit(&undo->words[i], memory_order_relaxed),
				      memory_order_relaxed);
	}
}

void store_undo(const struct store_shard *h)
{
	uint32_t at = atomic_load_explicit(&h->row->undo.at, memory_order_acquire);

	if (at != 0 && at <= h->cells_n)
		put_back(h, at);
	store_undo_end(h);
}
