#include "net/outbox.h"

#include <errno.h>

static struct iovec piece_of(const char *p, size_t n)
{
	return (struct iovec){ (void *)(uintptr_t)p, n }; /* iovec has no const */
}

/* The part of *went that falls on a piece of that length; *went is what is left for the next. */
static size_t part_of(size_t *went, size_t len)
{
	size_t part = *went < len ? *went : len;
	*went -= part;
	return part;
}

/* false: no memory for what is left of the head. */
static bool keep_rest(struct outbox *o, struct str head, size_t went, size_t *took)
{
	buf_consume(&o->rest, part_of(&went, buf_len(&o->rest)));
	size_t part = part_of(&went, head.n);
	*took = went;
	if (part < head.n && !buf_append(&o->rest, head.p + part, head.n - part))
		return false;
	if (buf_len(&o->rest) == 0)
		buf_drop(&o->rest);
	return true;
}

ssize_t outbox_send(struct outbox *o, struct stream *s, struct str head, const struct iovec *pieces,
		    int n, int flags, size_t *took)
{
	struct iovec iov[2 + OUTBOX_PIECES_MAX];
	int count = 0;
	size_t all = head.n;
	bool has_rest = unlikely(buf_len(&o->rest) > 0);
	if (has_rest)
		iov[count++] = piece_of(buf_head(&o->rest), buf_len(&o->rest));
	if (head.n > 0)
		iov[count++] = piece_of(head.p, head.n);
	for (int i = 0; i < n; i++) {
		iov[count++] = pieces[i];
		all += pieces[i].iov_len;
	}
	*took = 0;
	if (count == 0)
		return 0;
	ssize_t wrote = stream_writev(s, iov, count, flags);
	if (likely(!has_rest && wrote == (ssize_t)all)) {
		*took = all - head.n;
		return wrote;
	}
	if (wrote == IO_ERROR || keep_rest(o, head, wrote > 0 ? (size_t)wrote : 0, took))
		return wrote;
	return stream_fail(s, ENOMEM);
}
