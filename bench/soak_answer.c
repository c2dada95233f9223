#define _GNU_SOURCE
#include "soak_load.h"

#include <stdlib.h>
#include <string.h>

enum { ON_HEAD, ON_BODY };

void answer_init(struct answer *a)
{
	memset(a, 0, offsetof(struct answer, head));
	a->head_n = 0;
	a->is_right = true;
}

static bool read_head(struct answer *a)
{
	const char *length, *token;

	if (strncmp(a->head, "HTTP/1.1 ", 9) != 0)
		return false;
	a->status = (unsigned)strtoul(a->head + 9, NULL, 10);
	length = soak_field(a->head, "\ncontent-length: ");
	token = soak_field(a->head, "\nx-token: ");
	a->has_length = length != NULL;
	a->left = length != NULL ? strtoull(length, NULL, 10) : 0;
	a->token = token != NULL ? strtoull(token, NULL, 10) : 0;
	a->is_chunked = soak_field(a->head, "\ntransfer-encoding: chunked") != NULL;
	a->closes = soak_field(a->head, "\nconnection: close") != NULL;
	a->is_ours = soak_field(a->head, "\nx-neap-error: ") != NULL;
	return true;
}

/* The head grows until its empty line; an interim one is dropped. */
static enum answer_result feed_head(struct answer *a, const struct request *r, const char *p,
				    size_t n, size_t *used)
{
	while (*used < n) {
		if (a->head_n == sizeof(a->head) - 1)
			return ANSWER_BAD;
		a->head[a->head_n++] = p[(*used)++];
		if (a->head_n < 4 || memcmp(a->head + a->head_n - 4, "\r\n\r\n", 4) != 0)
			continue;
		a->head[a->head_n] = '\0';
		if (!read_head(a))
			return ANSWER_BAD;
		if (a->status >= 200) {
			a->state = ON_BODY;
			return (r->is_head && a->status != 408) || (a->has_length && a->left == 0)
				       ? ANSWER_DONE
				       : ANSWER_MORE;
		}
		a->head_n = 0;
	}
	return ANSWER_MORE;
}

static void check_piece(struct answer *a, const struct request *r, const char *p, size_t n)
{
	if (!a->is_ours &&
	    (a->got + n > SOAK_SIZE_MAX || memcmp(soak_pattern(r->token) + a->got, p, n) != 0))
		a->is_right = false;
	a->got += n;
}

static enum answer_result feed_plain(struct answer *a, const struct request *r, const char *p,
				     size_t n, size_t *used)
{
	size_t piece = a->has_length && a->left < n ? (size_t)a->left : n;

	check_piece(a, r, p, piece);
	*used += piece;
	if (!a->has_length)
		return ANSWER_MORE;
	a->left -= piece;
	return a->left == 0 ? ANSWER_DONE : ANSWER_MORE;
}

static enum answer_result feed_chunks(struct answer *a, const struct request *r, const char *p,
				      size_t n, size_t *used)
{
	size_t at = 0;

	while (at < n) {
		size_t took, piece;
		enum soak_chunk result = soak_chunk_next(&a->chunks, p + at, n - at, &took, &piece);

		at += took;
		*used += took;
		check_piece(a, r, p + at - piece, piece);
		if (result == CHUNK_WRONG)
			return ANSWER_BAD;
		if (result == CHUNK_ENDED)
			return ANSWER_DONE;
	}
	return ANSWER_MORE;
}

enum answer_result answer_feed(struct answer *a, const struct request *r, const char *p, size_t n,
			       size_t *used)
{
	*used = 0;
	if (a->state == ON_HEAD) {
		enum answer_result result = feed_head(a, r, p, n, used);

		if (result != ANSWER_MORE || a->state == ON_HEAD || *used == n)
			return result;
	}
	return a->is_chunked ? feed_chunks(a, r, p + *used, n - *used, used)
			     : feed_plain(a, r, p + *used, n - *used, used);
}

bool answer_began(const struct answer *a)
{
	return a->state == ON_BODY || a->head_n > 0;
}

bool answer_ends(const struct answer *a)
{
	return a->state == ON_BODY && !a->is_chunked && !a->has_length;
}

static enum verdict judge_refusal(const struct answer *a, const struct request *r, bool ended,
				  bool stopped)
{
	if (stopped && (ended ? a->status == 408 : a->state == ON_HEAD))
		return EXCUSED;
	if (!ended || !a->is_ours || !a->closes)
		return WRONG;
	return a->status == r->status ? REFUSED : WRONG;
}

static enum verdict judge_cut(const struct answer *a, const struct request *r, bool stopped)
{
	if (a->state == ON_HEAD)
		return stopped ? EXCUSED : WRONG; /* closed without an answer */
	if (stopped && a->is_ours && a->status == 408)
		return EXCUSED; /* to a HEAD: it has no body when its method had come */
	return a->status == 200 && a->token == r->token && a->is_right ? CUT : WRONG;
}

enum verdict answer_judge(const struct answer *a, const struct request *r, bool ended, bool stopped)
{
	bool failed = a->is_ours && a->status >= 502 && a->status <= 504;

	if (r->kind == 'B')
		return judge_refusal(a, r, ended, stopped);
	if (r->kind == 'b' && !failed)
		return judge_refusal(a, r, ended, stopped);
	if (!ended)
		return judge_cut(a, r, stopped);
	if (failed || (stopped && a->is_ours && a->status == 408))
		return EXCUSED;
	if (soak_is_any(r->kind, "rtdxh"))
		return WRONG; /* there is no whole answer to it */
	return a->status == 200 && a->token == r->token && a->is_right &&
			       a->got == (r->is_head ? 0 : r->size)
		       ? GOOD
		       : WRONG;
}
