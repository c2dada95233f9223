#include "proxy/h2_queue.h"

#include <string.h>

struct h2_piece {
	struct h2_piece *next;
	uint32_t start, end;
	char bytes[];
};

enum { ROOM = H2_PIECE_BYTES - (int)sizeof(struct h2_piece) };

static struct h2_piece *last_with_room(struct h2_queue *q, struct slab *pieces)
{
	if (q->last != NULL && q->last->end < ROOM)
		return q->last;
	struct h2_piece *piece = slab_take(pieces);
	if (piece == NULL)
		return NULL;
	*piece = (struct h2_piece){ .next = NULL };
	if (q->last == NULL)
		q->first = piece;
	else
		q->last->next = piece;
	q->last = piece;
	return piece;
}

bool h2_queue_add(struct h2_queue *q, struct slab *pieces, const char *p, size_t n)
{
	while (n > 0) {
		struct h2_piece *piece = last_with_room(q, pieces);
		if (piece == NULL)
			return false;
		size_t room = ROOM - piece->end, part = n < room ? n : room;
		memcpy(piece->bytes + piece->end, p, part);
		piece->end += (uint32_t)part;
		q->bytes += part;
		p += part;
		n -= part;
	}
	return true;
}

static void drop_first(struct h2_queue *q, struct slab *pieces)
{
	struct h2_piece *piece = q->first;
	q->first = piece->next;
	if (q->first == NULL)
		q->last = NULL;
	slab_put(pieces, piece);
}

size_t h2_queue_read(struct h2_queue *q, struct slab *pieces, char *to, size_t room)
{
	size_t moved = 0;
	while (q->first != NULL && moved < room) {
		struct h2_piece *piece = q->first;
		size_t n = piece->end - piece->start, part = n < room - moved ? n : room - moved;
		memcpy(to + moved, piece->bytes + piece->start, part);
		piece->start += (uint32_t)part;
		moved += part;
		if (piece->start == piece->end)
			drop_first(q, pieces);
	}
	q->bytes -= moved;
	return moved;
}

size_t h2_queue_move(struct h2_queue *q, struct slab *pieces, struct buf *to, size_t room)
{
	size_t moved = h2_queue_read(q, pieces, buf_tail(to), room);
	buf_added(to, moved);
	return moved;
}

void h2_queue_drop(struct h2_queue *q, struct slab *pieces)
{
	while (q->first != NULL)
		drop_first(q, pieces);
	q->bytes = 0;
}
