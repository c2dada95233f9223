/*
 * Bytes of a request's body that came by HTTP/2 and have no room yet where its backend takes them from.
 * At most as many as the stream's window allowed; without any it costs nothing.
 */
#ifndef NEAP_PROXY_H2_QUEUE_H
#define NEAP_PROXY_H2_QUEUE_H

#include "base/buf.h"

enum { H2_PIECE_BYTES = 16 * 1024 }; /* with its own few words */

struct h2_piece;

struct h2_queue {
	struct h2_piece *first, *last;
	size_t bytes;
};

/* pieces: objects of H2_PIECE_BYTES. false: no memory; what fitted is in there. */
bool h2_queue_add(struct h2_queue *q, struct slab *pieces, const char *p, size_t n);

/* Moves as much as there is room for to the end of `to`. How many bytes. */
size_t h2_queue_move(struct h2_queue *q, struct slab *pieces, struct buf *to, size_t room);

/* The same into other memory. */
size_t h2_queue_read(struct h2_queue *q, struct slab *pieces, char *to, size_t room);

void h2_queue_drop(struct h2_queue *q, struct slab *pieces);

#endif
