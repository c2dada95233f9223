#include "exchange/body.h"

#include <stdlib.h>
#include <string.h>

void body_init(struct body *b, struct slab *slab, struct buf *block)
{
	*b = (struct body){ .block = block };
	buf_init(&b->buf, slab);
	buf_init(&b->trailers, slab);
}

void body_begin(struct body *b, uint32_t early_at, uint32_t early)
{
	b->early_at = early_at;
	b->early = early;
}

static size_t in_buffer(const struct body *b)
{
	return buf_len(&b->buf) - b->surplus - b->kept;
}

static size_t came_unsent(const struct body *b)
{
	size_t in_pipe = b->pipe != NULL ? b->pipe->held : 0;
	return (b->early - b->early_sent) + in_buffer(b) + in_pipe;
}

size_t body_unsent(const struct body *b)
{
	return unlikely(b->own != NULL) ? b->own_n - b->own_sent : came_unsent(b);
}

size_t body_pending(const struct body *b)
{
	size_t n = b->own != NULL ? 0 : came_unsent(b);
	return n > b->wanted ? n - b->wanted : 0;
}

static int gather_own(const struct body *b, struct iovec iov[2])
{
	iov[0] = (struct iovec){ b->own + b->own_sent, b->own_n - b->own_sent };
	return b->own_n > b->own_sent ? 1 : 0;
}

int body_gather(const struct body *b, struct iovec iov[2])
{
	int n = 0;
	if (unlikely(b->own != NULL))
		return gather_own(b, iov);
	if (b->early > b->early_sent)
		iov[n++] = (struct iovec){ buf_head(b->block) + b->early_at + b->early_sent,
					   b->early - b->early_sent };
	if (in_buffer(b) > 0)
		iov[n++] = (struct iovec){ buf_head(&b->buf) + b->kept, in_buffer(b) };
	return n;
}

void body_sent(struct body *b, size_t n)
{
	size_t early = b->early - b->early_sent;
	if (unlikely(b->own != NULL)) {
		b->own_sent += (uint32_t)n;
		return;
	}
	size_t part = n < early ? n : early;
	b->early_sent += (uint32_t)part;
	b->kept += (uint32_t)(n - part);
	if (b->keep == BODY_FLOWS && b->kept > 0) {
		buf_consume(&b->buf, b->kept);
		b->kept = 0;
	}
}

void body_rewind(struct body *b)
{
	b->early_sent = 0;
	b->kept = 0;
	b->own_sent = 0;
}

int body_pieces(const struct body *b, struct iovec iov[2])
{
	size_t n = buf_len(&b->buf) - b->surplus;
	int count = 0;
	if (b->own != NULL) {
		iov[0] = (struct iovec){ b->own, b->own_n };
		return 1;
	}
	if (b->early > 0)
		iov[count++] = (struct iovec){ buf_head(b->block) + b->early_at, b->early };
	if (n > 0)
		iov[count++] = (struct iovec){ buf_head(&b->buf), n };
	return count;
}

bool body_replace(struct body *b, const char *bytes, uint32_t n)
{
	char *own = malloc(n > 0 ? n : 1);
	if (own == NULL)
		return false;
	memcpy(own, bytes, n);
	free(b->own);
	b->own = own;
	b->own_n = n;
	b->own_sent = 0;
	b->form = BODY_SIZED;
	buf_drop(&b->trailers);
	return true;
}

void body_let_flow(struct body *b)
{
	b->keep = BODY_FLOWS;
	buf_consume(&b->buf, b->kept);
	b->kept = 0;
}

size_t body_room(struct body *b)
{
	if (!buf_hold(&b->buf))
		return 0;
	if (buf_room(&b->buf) == 0 || b->buf.start > b->buf.slab->object_bytes / 2)
		buf_compact(&b->buf);
	return buf_room(&b->buf);
}

void body_drop(struct body *b)
{
	b->buf.start = b->buf.end = b->kept = b->surplus = 0;
	b->early_sent = b->early;
}

void body_fini(struct body *b)
{
	if (b->surplus == 0)
		buf_drop(&b->buf);
	free(b->own);
	b->own = NULL;
	if (unlikely(b->trailers.data != NULL))
		buf_drop(&b->trailers);
}
