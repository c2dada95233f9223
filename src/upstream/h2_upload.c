#include "upstream/h2_upload.h"

#include <string.h>

enum { TRAILERS_BYTES_MAX = 32 * 1024 };

static size_t kept(const struct h2_upload *u)
{
	return outbox_len(u->kept);
}

/* ---- what the session takes ---- */

size_t h2_upload_ask(struct h2_upload *u, size_t max, bool *is_all)
{
	bool is_here = u->pieces != NULL || u->left == 0;
	size_t there = kept(u) + (u->pieces != NULL ? u->left : 0);
	*is_all = u->is_last && is_here && there <= max;
	u->asked = there < max ? there : max;
	return u->asked;
}

static size_t take_kept(struct h2_upload *u, char *to, size_t n)
{
	size_t part = kept(u) < n ? kept(u) : n;
	if (part == 0)
		return 0;
	memcpy(to, buf_head(&u->kept->rest), part);
	buf_consume(&u->kept->rest, part);
	if (kept(u) == 0)
		outbox_drop(u->kept);
	return part;
}

static void take_pieces(struct h2_upload *u, char *to, size_t n)
{
	u->left -= n;
	while (n > 0) {
		const char *p = (const char *)u->pieces->iov_base + u->at;
		size_t there = u->pieces->iov_len - u->at, part = there < n ? there : n;
		memcpy(to, p, part);
		to += part;
		n -= part;
		u->at += part;
		if (part == there) {
			u->pieces++;
			u->at = 0;
		}
	}
}

void h2_upload_take(struct h2_upload *u, char *to, size_t n)
{
	u->asked -= n;
	size_t part = take_kept(u, to, n);
	if (part < n)
		take_pieces(u, to + part, n - part);
}

/* ---- what its owner lends ---- */

static size_t length_of(const struct leg_body *body)
{
	size_t sum = 0;
	for (int i = 0; i < body->n; i++)
		sum += body->pieces[i].iov_len;
	return sum;
}

/* As much of the piece as there is room for; how many bytes. -1: no memory, or no room for trailers. */
static ssize_t decode(struct h2_upload *u, const struct iovec *piece)
{
	struct buf *to = &u->kept->rest;
	size_t used = 0, payload = 0;
	if (!buf_hold(to))
		return -1;
	if (buf_room(to) < piece->iov_len)
		buf_compact(to);
	size_t n = buf_room(to) < piece->iov_len ? buf_room(to) : piece->iov_len;
	memcpy(buf_tail(to), piece->iov_base, n);
	if (h1_body_decode(&u->coding, buf_tail(to), n, &used, &payload, &u->decoded_trailers) !=
	    BODY_OK)
		return -1;
	buf_added(to, payload);
	return (ssize_t)n;
}

static bool take_coded(struct h2_upload *u, const struct leg_body *body)
{
	for (int i = 0; i < body->n; i++) {
		ssize_t n = decode(u, &body->pieces[i]);
		if (n < 0)
			return false;
		u->lent += (size_t)n;
		if ((size_t)n < body->pieces[i].iov_len)
			break;
	}
	u->is_last = u->coding.done;
	u->trailers = (struct str){ buf_head(&u->decoded_trailers), buf_len(&u->decoded_trailers) };
	return true;
}

bool h2_upload_lend(struct h2_upload *u, const struct leg_body *body)
{
	u->lent = u->left = 0;
	if (u->is_coded)
		return take_coded(u, body);
	u->pieces = body->pieces;
	u->at = 0;
	u->lent = u->left = length_of(body);
	u->is_last = body->is_last;
	u->trailers = body->trailers;
	return true;
}

bool h2_upload_has_news(const struct h2_upload *u)
{
	return u->left > 0 || kept(u) > 0 || u->is_last;
}

/* What was asked for and did not go out at once has to be there later. */
static bool keep_asked(struct h2_upload *u)
{
	struct buf *to = &u->kept->rest;
	if (likely(u->asked <= kept(u)))
		return true;
	size_t n = u->asked - kept(u);
	if (!buf_hold(to))
		return false;
	buf_compact(to);
	if (buf_room(to) < n)
		return false;
	take_pieces(u, buf_tail(to), n);
	buf_added(to, n);
	return true;
}

bool h2_upload_return(struct h2_upload *u, size_t *took)
{
	bool is_kept = u->pieces == NULL || keep_asked(u);
	u->pieces = NULL;
	*took = u->lent - u->left;
	return is_kept;
}

/* ---- life ---- */

void h2_upload_init(struct h2_upload *u, struct outbox *to, struct slab *blocks)
{
	*u = (struct h2_upload){ .kept = to };
	buf_init(&u->decoded_trailers, blocks);
}

void h2_upload_begin(struct h2_upload *u, enum body_form form)
{
	static const struct http_limits limits = { .header_bytes = TRAILERS_BYTES_MAX };
	const struct http_head head = { .framing = FRAMING_CHUNKED, .limits = &limits };
	u->is_coded = form == BODY_CODED;
	if (u->is_coded)
		h1_body_init(&u->coding, &head);
}

void h2_upload_fini(struct h2_upload *u)
{
	buf_drop(&u->decoded_trailers);
}
