#include "base/buf.h"

#include <string.h>

void buf_init(struct buf *b, struct slab *slab)
{
	*b = (struct buf){ .slab = slab };
}

bool buf_hold(struct buf *b)
{
	if (b->data == NULL) {
		b->data = slab_take(b->slab);
		b->start = b->end = 0;
	}
	return b->data != NULL;
}

void buf_drop(struct buf *b)
{
	slab_put(b->slab, b->data);
	b->data = NULL;
	b->start = b->end = 0;
}

void buf_drop_if_empty(struct buf *b)
{
	if (buf_len(b) == 0)
		buf_drop(b);
}

void buf_move(struct buf *to, struct buf *from)
{
	assert(to->data == NULL);
	*to = *from;
	buf_init(from, from->slab);
}

bool buf_change(struct buf *b, struct slab *slab)
{
	struct buf to;
	buf_init(&to, slab);
	if (!buf_append(&to, buf_head(b), buf_len(b)))
		return false;
	buf_drop(b);
	*b = to;
	return true;
}

void buf_compact(struct buf *b)
{
	size_t n = buf_len(b);

	if (b->start == 0)
		return;
	memmove(b->data, b->data + b->start, n);
	b->start = 0;
	b->end = (uint32_t)n;
}

bool buf_append(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return true;
	if (n > b->slab->object_bytes - buf_len(b) || !buf_hold(b))
		return false;
	if (n > buf_room(b))
		buf_compact(b);
	memcpy(b->data + b->end, bytes, n);
	buf_added(b, n);
	return true;
}
