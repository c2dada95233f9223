#include "http/h1_body.h"

void h1_body_init(struct h1_body *b, const struct http_head *h)
{
	*b = (struct h1_body){ .framing = h->framing };
	if (h->framing == FRAMING_LENGTH)
		b->left = h->length;
	else if (h->framing == FRAMING_CHUNKED)
		h1_chunk_init(&b->chunk, h->limits->header_bytes);
	b->done = h->framing == FRAMING_NONE || (h->framing == FRAMING_LENGTH && b->left == 0);
}

/* The framings without a coding: how many of n bytes belong to the body. */
static size_t feed_plain(struct h1_body *b, size_t n)
{
	if (b->framing == FRAMING_LENGTH) {
		n = b->left < n ? (size_t)b->left : n;
		b->left -= n;
		b->done = b->left == 0;
	}
	b->payload += n;
	return n;
}

/* Where the payload is gathered: in front of the input itself. */
struct gather {
	char *to;
	size_t n;
};

static void gather(struct gather *g, const char *data, size_t n)
{
	if (n > 0)
		memmove(g->to + g->n, data, n);
	g->n += n;
}

/* Without a gather, the bytes are only followed. */
static enum h1_body_result feed_chunked(struct h1_body *b, const char *in, size_t n, size_t *used,
					struct gather *g)
{
	enum h1_chunk_event event;
	*used = 0;
	do {
		const char *data = NULL;
		size_t part = 0, data_n = 0;
		event = h1_chunk_next(&b->chunk, in + *used, n - *used, &part, &data, &data_n);
		*used += part;
		b->payload += data_n;
		if (g != NULL)
			gather(g, data, data_n);
	} while (event == CHUNK_DATA);
	b->done = event == CHUNK_END;
	return event == CHUNK_BAD ? BODY_BAD : BODY_OK;
}

enum h1_body_result h1_body_feed(struct h1_body *b, const char *in, size_t n, size_t *used)
{
	*used = 0;
	if (b->done)
		return BODY_OK;
	if (b->framing == FRAMING_CHUNKED)
		return feed_chunked(b, in, n, used, NULL);
	*used = feed_plain(b, n);
	return BODY_OK;
}

enum h1_body_result h1_body_decode(struct h1_body *b, char *in, size_t n, size_t *used,
				   size_t *kept)
{
	*used = *kept = 0;
	if (b->done)
		return BODY_OK;
	if (b->framing != FRAMING_CHUNKED) {
		*used = *kept = feed_plain(b, n);
		return BODY_OK;
	}
	struct gather g = { in, 0 };
	enum h1_body_result r = feed_chunked(b, in, n, used, &g);
	*kept = g.n;
	return r;
}

bool h1_body_is_whole_at_close(const struct h1_body *b)
{
	return b->done || b->framing == FRAMING_UNTIL_CLOSE;
}

void h1_body_skip(struct h1_body *b, uint64_t n)
{
	b->left -= n;
	b->payload += n;
	b->done = b->left == 0;
}
