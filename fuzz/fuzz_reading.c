/*
 * Answers that scripts read: in pieces, however they are cut on their way, one comes to the same end
 * and has the same body as when it is read as a whole.
 */
#include "fuzz.h"
#include "script/reading.h"

enum { BODY_MAX = 1 << 20 };

struct run {
	struct reading reading;
	char *bytes; /* a block of just n bytes, which begin where the last gift ended */
	size_t n;
	struct reading_gift gift;
	char *body;
	size_t body_n;
};

static void replace(struct run *r, size_t skip, const char *more, size_t more_n)
{
	size_t n = r->n - skip + more_n;
	char *bytes = malloc(n > 0 ? n : 1);
	must(bytes != NULL);
	if (r->n > skip)
		memcpy(bytes, r->bytes + skip, r->n - skip);
	if (more_n > 0)
		memcpy(bytes + r->n - skip, more, more_n);
	free(r->bytes);
	r->bytes = bytes;
	r->n = n;
}

static void keep_body(struct run *r)
{
	struct str s = r->gift.bytes;
	must(r->gift.taken <= r->n);
	if (s.n > 0)
		memcpy(r->body + r->body_n, s.p, s.n);
	r->body_n += s.n;
	replace(r, r->gift.taken, "", 0);
}

static void begin(struct run *r, bool is_to_head, size_t size)
{
	*r = (struct run){ .bytes = exact("", 0), .body = malloc(size + 1) };
	must(r->body != NULL);
	reading_init(&r->reading, is_to_head, false, BODY_MAX);
}

static void end(struct run *r)
{
	free(r->bytes);
	free(r->body);
}

static enum reading_result read_whole(struct run *r, struct str in)
{
	replace(r, 0, in.p, in.n);
	enum reading_result result =
		reading_take(&r->reading, READING_WHOLE, r->bytes, &r->n, &r->gift);
	if (result == READING_MORE)
		result = reading_end(&r->reading, r->bytes, &r->gift);
	if (result == READING_GIVEN)
		keep_body(r);
	return result;
}

/* One wish, fed until it is over. */
static enum reading_result pursue(struct run *r, enum reading_part part, struct str *in, size_t cut)
{
	enum reading_result result;
	while ((result = reading_take(&r->reading, part, r->bytes, &r->n, &r->gift)) ==
	       READING_MORE) {
		if (in->n == 0)
			return reading_end(&r->reading, r->bytes, &r->gift);
		size_t n = in->n < cut ? in->n : cut;
		replace(r, 0, in->p, n);
		*in = (struct str){ in->p + n, in->n - n };
	}
	return result;
}

static enum reading_result read_pieces(struct run *r, struct str in, size_t cut)
{
	enum reading_result result = pursue(r, READING_HEAD, &in, cut);
	while (result == READING_GIVEN) {
		result = pursue(r, READING_PIECE, &in, cut);
		if (result != READING_GIVEN)
			return result;
		bool is_last = r->gift.bytes.n == 0;
		keep_body(r);
		if (is_last)
			break;
	}
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole, pieces;
	if (size < 2)
		return 0;
	struct str in = { (const char *)data + 2, size - 2 };
	begin(&whole, (data[0] & 1) != 0, size);
	begin(&pieces, (data[0] & 1) != 0, size);
	enum reading_result a = read_whole(&whole, in);
	enum reading_result b = read_pieces(&pieces, in, (size_t)data[1] + 1);
	must(a == b);
	if (a == READING_GIVEN) {
		must(whole.body_n == pieces.body_n);
		must(memcmp(whole.body, pieces.body, whole.body_n) == 0);
		must(reading_is_in_step(&whole.reading) == reading_is_in_step(&pieces.reading));
	}
	end(&whole);
	end(&pieces);
	return 0;
}
