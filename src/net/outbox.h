/*
 * Sending a head and what follows it in one write. What the connection does not take of the head is
 * kept; of the other pieces the caller keeps what was not taken.
 */
#ifndef NEAP_NET_OUTBOX_H
#define NEAP_NET_OUTBOX_H

#include "base/buf.h"
#include "base/str.h"
#include "net/stream.h"

enum { OUTBOX_PIECES_MAX = 3 };

struct outbox {
	struct buf rest; /* of heads, not sent yet */
};

static inline void outbox_init(struct outbox *o, struct slab *slab)
{
	buf_init(&o->rest, slab);
}

static inline size_t outbox_len(const struct outbox *o)
{
	return buf_len(&o->rest);
}

static inline void outbox_drop(struct outbox *o)
{
	buf_drop(&o->rest);
}

/*
 * The rest, then head (may be empty), then n pieces (at most OUTBOX_PIECES_MAX, none empty). Returns
 * the bytes that went out in all, IO_AGAIN (the head is kept) or IO_ERROR (also without memory for
 * the rest of the head: stream_failure says ENOMEM then). *took: of the pieces. flags as of stream_writev.
 */
ssize_t outbox_send(struct outbox *o, struct stream *s, struct str head, const struct iovec *pieces,
		    int n, int flags, size_t *took);

#endif
