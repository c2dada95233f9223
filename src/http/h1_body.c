#include "http/h1_body.h"

static void init_chunk(struct h1_chunk *c, const struct http_head *h)
{
	h1_chunk_init(c, h->limits->header_bytes);
	c->is_answer = h->is_response;
}

void h1_body_init(struct h1_body *b, const struct http_head *h)
{
	*b = (struct h1_body){ .framing = h->framing };
	if (h->framing == FRAMING_LENGTH)
		b->left = h->length;
	else if (h->framing == FRAMING_CHUNKED)
		init_chunk(&b->chunk, h);
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

/* Where the payload is gathered: at the front of the input itself. */
struct gather {
	char *to;
	size_t n;
	struct buf *trailers; /* NULL: nobody wants them */
};

static void gather_piece(struct gather *g, const char *data, size_t n)
{
	if (n > 0 && data != g->to + g->n)
		memmove(g->to + g->n, data, n);
	g->n += n;
}

/*
 * The last bytes before `end` are those of the trailers that were consumed beyond `before`; the last
 * `dropped` of all so far are left out, and so is the empty line. false: there is no room.
 */
static bool gather_trailers(const struct h1_body *b, struct buf *to, size_t before, const char *end,
			    size_t dropped)
{
	size_t n = h1_chunk_trailer_bytes(&b->chunk) - before;
	if (b->done && n == 2 && to->data == NULL)
		return true; /* there are none */
	if (!buf_append(to, end - n, n))
		return false;
	to->end -= (uint32_t)(b->done ? 2 : dropped);
	return true;
}

/* What came since `before` of them is added, if anybody wants them; false: there is no room. */
static bool look_at_trailers(struct h1_body *b, struct buf *to, size_t before, const char *end,
			     size_t dropped)
{
	if (likely(to == NULL) || h1_chunk_trailer_bytes(&b->chunk) <= before ||
	    gather_trailers(b, to, before, end, dropped))
		return true;
	b->chunk.reason = "no room for the trailers";
	return false;
}

/* With a gather the payload goes into it. Without one the bytes are only followed. */
static enum h1_body_result feed_chunked(struct h1_body *b, const char *in, size_t n, size_t *used,
					struct gather *g)
{
	enum h1_chunk_event event;
	*used = 0;
	do {
		const char *data = NULL;
		size_t part = 0, data_n = 0, before = h1_chunk_trailer_bytes(&b->chunk);
		event = h1_chunk_next(&b->chunk, in + *used, n - *used, &part, &data, &data_n);
		*used += part;
		b->done = event == CHUNK_END;
		if (event == CHUNK_DATA) {
			b->payload += data_n;
			if (g != NULL)
				gather_piece(g, data, data_n);
		} else if (g != NULL &&
			   !look_at_trailers(b, g->trailers, before, in + *used, data_n)) {
			return BODY_BAD;
		}
	} while (event == CHUNK_DATA || event == CHUNK_DROP);
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
				   size_t *kept, struct buf *trailers)
{
	*used = *kept = 0;
	if (b->done)
		return BODY_OK;
	if (b->framing != FRAMING_CHUNKED) {
		*used = *kept = feed_plain(b, n);
		return BODY_OK;
	}
	struct gather g = { in, 0, trailers };
	enum h1_body_result r = feed_chunked(b, in, n, used, &g);
	*kept = g.n;
	return r;
}

/* The coded bytes, without those that are to be left out, to the front of in. */
static enum h1_body_result tidy_chunked(struct h1_body *b, char *in, size_t n, size_t *used,
					size_t *kept, struct buf *trailers)
{
	enum h1_chunk_event event;
	struct gather g = { in, 0, trailers };
	const char *run = in; /* bytes from here on are kept, and not gathered yet */
	size_t at = b->held;
	do {
		const char *data = NULL;
		size_t part = 0, data_n = 0, before = h1_chunk_trailer_bytes(&b->chunk);
		event = h1_chunk_next(&b->chunk, in + at, b->held + n - at, &part, &data, &data_n);
		at += part;
		b->done = event == CHUNK_END;
		if (event == CHUNK_DATA)
			b->payload += data_n;
		else if (!look_at_trailers(b, g.trailers, before, in + at, data_n))
			event = CHUNK_BAD;
		if (event != CHUNK_DROP)
			continue;
		gather_piece(&g, run, (size_t)(data - run));
		run = data + data_n;
	} while (event == CHUNK_DATA || event == CHUNK_DROP);
	*used = at - b->held;
	b->held = event == CHUNK_MORE ? (uint8_t)h1_chunk_held(&b->chunk) : 0;
	gather_piece(&g, run, (size_t)(in + at - run) - b->held);
	*kept = g.n;
	return event == CHUNK_BAD ? BODY_BAD : BODY_OK;
}

enum h1_body_result h1_body_tidy(struct h1_body *b, char *in, size_t n, size_t *used, size_t *kept,
				 struct buf *trailers)
{
	*used = *kept = 0;
	if (b->done)
		return BODY_OK;
	if (b->framing != FRAMING_CHUNKED) {
		*used = *kept = feed_plain(b, n);
		return BODY_OK;
	}
	if (b->held > 0) {
		memmove(in + b->held, in, n);
		memcpy(in, b->chunk.name, b->held);
	}
	return tidy_chunked(b, in, n, used, kept, trailers);
}

bool h1_body_is_between(const struct h1_body *b)
{
	return b->framing == FRAMING_CHUNKED && h1_chunk_is_between(&b->chunk);
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
