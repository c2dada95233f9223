/*
 * A linear byte buffer on one slab block: bytes are appended at the end and consumed from the
 * start; compaction moves them to the front. A buffer without a block (data = NULL) is empty and
 * costs nothing: that is the state of an idle connection.
 */
#ifndef NEAP_BASE_BUF_H
#define NEAP_BASE_BUF_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slab.h"

struct buf {
	struct slab *slab;
	char *data;
	uint32_t start, end; /* its bytes: data[start … end) */
};

/* Without a block; those it takes are of that slab. */
void buf_init(struct buf *b, struct slab *slab);

/* Makes sure that there is a block; false when the slab has none left. */
bool buf_hold(struct buf *b);

/* Gives the block back, whatever is in it. */
void buf_drop(struct buf *b);
void buf_drop_if_empty(struct buf *b);

/* Moves block and bytes from FROM (left empty) to TO (which must hold no block). */
void buf_move(struct buf *to, struct buf *from);

static inline size_t buf_len(const struct buf *b)
{
	return b->end - b->start;
}

/* The first byte; NULL without a block. */
static inline char *buf_head(const struct buf *b)
{
	return b->data == NULL ? NULL : b->data + b->start;
}

/* Where the next byte goes; NULL without a block. */
static inline char *buf_tail(const struct buf *b)
{
	return b->data == NULL ? NULL : b->data + b->end;
}

/* Room after the last byte, without compaction; 0 without a block. */
static inline size_t buf_room(const struct buf *b)
{
	return b->data == NULL ? 0 : b->slab->object_bytes - b->end;
}

/*
 * Its bytes go to a block of that slab, and later blocks come from there, too. false: the slab has none
 * left, or they do not fit; nothing changed.
 */
bool buf_change(struct buf *b, struct slab *slab);

/* n bytes were written at buf_tail. */
static inline void buf_added(struct buf *b, size_t n)
{
	assert(n <= buf_room(b));
	b->end += (uint32_t)n;
}

/* The first n bytes are done with. */
static inline void buf_consume(struct buf *b, size_t n)
{
	assert(n <= buf_len(b));
	b->start += (uint32_t)n;
	if (b->start == b->end)
		b->start = b->end = 0;
}

/* Moves the bytes to the front of the block. */
void buf_compact(struct buf *b);

/*
 * Appends if it fits (compacting when that helps, taking a block when there is none), else false
 * and nothing changed.
 */
bool buf_append(struct buf *b, const void *bytes, size_t n);

#endif
