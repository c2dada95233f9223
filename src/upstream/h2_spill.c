#include "upstream/h2_spill.h"

#include <stdlib.h>
#include <string.h>

/* What stands before the bytes of a piece. */
struct head {
	uint8_t kind;
	bool is_last;
	uint32_t name_n, n;
};

enum { ROOM_MIN = 4096 };

static bool make_room(struct h2_spill *s, size_t n)
{
	if (s->start > 0) {
		memmove(s->memory, s->memory + s->start, s->end - s->start);
		s->end -= s->start;
		s->start = 0;
	}
	if (s->room - s->end >= n)
		return true;
	size_t room = s->room > 0 ? s->room : ROOM_MIN;
	while (room - s->end < n)
		room *= 2;
	char *more = realloc(s->memory, room);
	if (more == NULL)
		return false;
	s->memory = more;
	s->room = room;
	return true;
}

static void put(struct h2_spill *s, const void *p, size_t n)
{
	if (n > 0)
		memcpy(s->memory + s->end, p, n);
	s->end += n;
}

bool h2_spill_add(struct h2_spill *s, const struct h2_piece *piece, struct str more)
{
	size_t n = piece->bytes.n + more.n;
	struct head head = { piece->kind, piece->is_last, piece->name_n, (uint32_t)n };
	if (s->room - s->end < sizeof(head) + n && !make_room(s, sizeof(head) + n))
		return false;
	put(s, &head, sizeof(head));
	put(s, piece->bytes.p, piece->bytes.n);
	put(s, more.p, more.n);
	return true;
}

static struct head first_head(const struct h2_spill *s)
{
	struct head head;
	memcpy(&head, s->memory + s->start, sizeof(head));
	return head;
}

struct h2_piece h2_spill_first(const struct h2_spill *s)
{
	struct head head = first_head(s);
	return (struct h2_piece){
		.kind = head.kind,
		.is_last = head.is_last,
		.name_n = head.name_n,
		.bytes = { s->memory + s->start + sizeof(head), head.n },
	};
}

void h2_spill_take(struct h2_spill *s, size_t n)
{
	struct head head = first_head(s);
	if (n < head.n) { /* what is left moves its head along */
		head.n -= (uint32_t)n;
		s->start += n;
		memcpy(s->memory + s->start, &head, sizeof(head));
		return;
	}
	s->start += sizeof(head) + head.n;
	if (h2_spill_is_empty(s))
		h2_spill_drop(s);
}

void h2_spill_drop(struct h2_spill *s)
{
	free(s->memory);
	*s = (struct h2_spill){ .memory = NULL };
}
