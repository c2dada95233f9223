#define _GNU_SOURCE
#include "reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void read_field(struct reader *r, const char *line)
{
	if (strncasecmp(line, "content-length:", 15) == 0) {
		r->left = strtoull(line + 15, NULL, 10);
		r->state = READER_BODY;
	} else if (strncasecmp(line, "transfer-encoding:", 18) == 0) {
		r->state = READER_CHUNK;
	} else if (strncasecmp(line, "connection:", 11) == 0) {
		r->close = strncasecmp(line + 11 + strspn(line + 11, " "), "close", 5) == 0;
	}
}

/* The head is whole: [p, end). false: not an answer, or one without a length. */
static bool read_head(struct reader *r, const char *p, const char *end)
{
	r->close = false;
	r->body = r->left = 0;
	if (end - p < 16 || memcmp(p, "HTTP/1.1 ", 9) != 0)
		return false;
	r->status = (unsigned)strtoul(p + 9, NULL, 10);
	while ((p = memchr(p, '\n', (size_t)(end - p))) && ++p < end) {
		if ((*p | 0x20) == 'c' || (*p | 0x20) == 't')
			read_field(r, p);
	}
	return r->status == 200 && r->state != READER_HEAD;
}

static enum reader_result take_body(struct reader *r, size_t n, size_t *used)
{
	size_t piece = n < r->left ? n : (size_t)r->left;

	r->left -= piece;
	r->body += piece;
	*used += piece;
	if (r->left > 0)
		return READER_MORE;
	r->state = READER_HEAD;
	return READER_DONE;
}

/* One step inside a chunked body: data, or a line. MORE with *used unchanged: no whole line. */
static enum reader_result take_chunk(struct reader *r, const char *p, size_t n, size_t *used)
{
	const char *end;

	if (r->left > 0) {
		size_t piece = n < r->left ? n : (size_t)r->left;

		r->left -= piece;
		*used += piece;
		return READER_MORE;
	}
	end = memchr(p, '\n', n);
	if (!end)
		return READER_MORE;
	*used += (size_t)(end - p) + 1;
	if (r->state == READER_TRAILER) {
		if (*p != '\r')
			return READER_MORE;
		r->state = READER_HEAD;
		return READER_DONE;
	}
	r->left = strtoull(p, NULL, 16);
	r->body += r->left;
	if (r->left == 0)
		r->state = READER_TRAILER;
	else
		r->left += 2;
	return READER_MORE;
}

enum reader_result reader_feed(struct reader *r, const char *p, size_t n, size_t *used)
{
	*used = 0;
	if (r->state == READER_HEAD) {
		const char *end = memmem(p, n, "\r\n\r\n", 4);

		if (!end)
			return READER_MORE;
		*used = (size_t)(end - p) + 4;
		if (!read_head(r, p, p + *used))
			return READER_BAD;
	}
	if (r->state == READER_BODY)
		return take_body(r, n - *used, used);
	while (*used < n) {
		size_t before = *used;
		enum reader_result result = take_chunk(r, p + before, n - before, used);

		if (result != READER_MORE || *used == before)
			return result;
	}
	return READER_MORE;
}
