#include "http/h1_reader.h"

#include "http/h1_framing.h"
#include "http/refuse.h"

static void init_head(struct h1_reader *r, bool is_response, struct http_field *fields)
{
	h1_head_init(&r->head, is_response, fields, &r->bounds->head);
}

void h1_reader_init_request(struct h1_reader *r, struct http_field *fields,
			    const struct h1_reader_bounds *bounds)
{
	*r = (struct h1_reader){ .bounds = bounds, .part = READER_IN_HEAD };
	init_head(r, false, fields);
}

void h1_reader_init_answer(struct h1_reader *r, struct http_field *fields,
			   const struct h1_reader_bounds *bounds, uint8_t asked_id)
{
	*r = (struct h1_reader){ .bounds = bounds, .part = READER_IN_HEAD, .asked_id = asked_id };
	init_head(r, true, fields);
}

/* The first bytes leave the buffer. */
static void drop_first(char *bytes, size_t *n, size_t first)
{
	*n -= first;
	memmove(bytes, bytes + first, *n);
}

static void drop_empty_lines(const struct h1_reader *r, char *bytes, size_t *n)
{
	size_t at = 0, skip;

	if (r->head.at > 0 || *n == 0)
		return;
	while ((skip = h1_skip_empty_line(bytes + at, *n - at)) > 0)
		at += skip;
	if (at > 0)
		drop_first(bytes, n, at);
}

static enum h1_reader_result reader_begin_body(struct h1_reader *r)
{
	h1_body_init(&r->body, &r->head);
	r->part = READER_IN_BODY;
	return READER_HEAD;
}

static enum h1_result try_head(struct h1_reader *r, const char *bytes, size_t n)
{
	return n == 0 ? H1_MORE : h1_head_parse(&r->head, bytes, n);
}

/* A 1xx head only says "go on". A peer that says so without end would block everything else. */
static enum h1_result pass_over(struct h1_reader *r, char *bytes, size_t *n)
{
	if (r->interims == r->bounds->interims_max)
		return refuse(&r->head, 502, "too many 1xx answers");
	r->interims++;
	drop_first(bytes, n, r->head.bytes);
	init_head(r, true, r->head.fields);
	return try_head(r, bytes, *n);
}

static enum h1_result parse_answer(struct h1_reader *r, char *bytes, size_t *n)
{
	enum h1_result result = try_head(r, bytes, *n);

	while (result == H1_DONE && r->head.status < 200)
		result = pass_over(r, bytes, n);
	if (result == H1_DONE && !h1_response_framing(&r->head, r->asked_id))
		return H1_BAD;
	return result;
}

static enum h1_reader_result reader_head(struct h1_reader *r, char *bytes, size_t *n)
{
	enum h1_result result;

	if (r->head.is_response) {
		result = parse_answer(r, bytes, n);
	} else {
		drop_empty_lines(r, bytes, n);
		result = try_head(r, bytes, *n);
	}
	if (result == H1_MORE)
		return READER_MORE;
	return result == H1_BAD ? READER_BAD_HEAD : reader_begin_body(r);
}

/* Decodes what follows the payload so far, and closes the gap that the coding leaves. */
static enum h1_reader_result reader_body(struct h1_reader *r, char *bytes, size_t *n)
{
	char *rest = bytes + h1_reader_bytes(r);
	size_t rest_n = *n - h1_reader_bytes(r), used, kept;
	enum h1_body_result result = h1_body_decode(&r->body, rest, rest_n, &used, &kept, NULL);

	memmove(rest + kept, rest + used, rest_n - used);
	*n -= used - kept;
	r->body_n += kept;
	if (r->body_n > r->bounds->body_max)
		return READER_LONG;
	if (result == BODY_BAD)
		return READER_BAD_BODY;
	return r->body.done ? READER_DONE : READER_MORE;
}

enum h1_reader_result h1_reader_read(struct h1_reader *r, char *bytes, size_t *n)
{
	return r->part == READER_IN_HEAD ? reader_head(r, bytes, n) : reader_body(r, bytes, n);
}

bool h1_reader_ends_at_close(const struct h1_reader *r)
{
	return r->part == READER_IN_BODY && h1_body_is_whole_at_close(&r->body);
}

size_t h1_reader_bytes(const struct h1_reader *r)
{
	return r->head.bytes + r->body_n;
}

struct str h1_reader_payload(const struct h1_reader *r, const char *bytes)
{
	return (struct str){ bytes + r->head.bytes, r->body_n };
}

void h1_reader_pass(struct h1_reader *r)
{
	r->head.bytes = 0;
	r->body_n = 0;
}
