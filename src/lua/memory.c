#include "lua/memory.h"

#include <stdint.h>
#include <stdlib.h>

static size_t hard_end(const struct memory *m)
{
	return m->cap * MEMORY_HARD;
}

void memory_init(struct memory *m, struct fuse *fuse, size_t cap_bytes)
{
	m->fuse = fuse;
	m->cap = cap_bytes;
	m->limit = hard_end(m);
	m->piece = SIZE_MAX;
}

/*
 * The end is met once an entry; after that only the hard end counts. false: the bytes cannot be
 * had.
 */
static bool meet_end(struct memory *m, size_t bytes, size_t used)
{
	if (used > hard_end(m))
		return false;
	m->is_too_large = bytes > m->piece;
	m->limit = hard_end(m);
	m->piece = SIZE_MAX;
	fuse_ask(m->fuse);
	return true;
}

void *memory_allocate(void *ctx, void *old, size_t old_bytes, size_t bytes)
{
	struct memory *m = ctx;
	if (bytes == 0) {
		free(old);
		m->used -= old_bytes;
		return NULL;
	}
	size_t used = m->used + bytes - old_bytes;
	if (bytes > old_bytes && unlikely(used > m->limit || bytes > m->piece) &&
	    !meet_end(m, bytes, used))
		return NULL;
	void *new = realloc(old, bytes);
	if (unlikely(new == NULL))
		return NULL;
	if (bytes > old_bytes)
		m->grown += bytes - old_bytes;
	m->used = used;
	return new;
}

/* How far an entry may go now. Almost always it is the cap. */
static size_t limit_of(const struct memory *m)
{
	size_t most = m->cap + m->cap / 8, allowed = m->used + MEMORY_ALLOWANCE_BYTES;

	if (m->user == MEMORY_OF_HOARDER)
		return m->used;
	if (m->user == MEMORY_OF_OTHERS)
		most = 2 * m->cap;
	if (likely(allowed <= m->cap))
		return m->cap;
	return allowed < most ? allowed : most;
}

void memory_enter(struct memory *m)
{
	bool is_bound = m->user != MEMORY_OF_RUNTIME;

	m->grown = 0;
	m->is_too_large = false;
	m->limit = is_bound ? limit_of(m) : hard_end(m);
	m->piece = is_bound ? m->cap / MEMORY_PIECE : SIZE_MAX;
}

bool memory_is_full(const struct memory *m)
{
	return m->used > m->cap - m->cap / MEMORY_MARGIN;
}

bool memory_has_room(struct memory *m)
{
	size_t grown = m->grown,
	       most = m->user == MEMORY_OF_OTHERS ? 2 * m->cap : m->cap + m->cap / 8;
	bool may_have_a_little = m->user != MEMORY_OF_HOARDER && grown <= MEMORY_ALLOWANCE_BYTES &&
				 m->used < most;

	if (m->is_too_large || (memory_is_full(m) && !may_have_a_little))
		return false;
	memory_enter(m);
	m->grown = grown;
	return true;
}
