/*
 * Bodies of each framing: passing them on and decoding them agree, in pieces of any size. Of an
 * answer, what goes on does not depend on the pieces, and is good to the strictest reader.
 */
#include "fuzz.h"
#include "http/h1_body.h"

static void check_pieces(const struct h1_body *start, struct str in, size_t piece)
{
	struct h1_body passed = *start, decoded = *start;
	size_t at = 0;
	while (at < in.n && !passed.done) {
		size_t n = in.n - at < piece ? in.n - at : piece;
		size_t used = 0, used_too = 0, kept = 0;
		char *copy = exact(in.p + at, n);
		uint64_t before = decoded.payload;
		enum h1_body_result r = h1_body_feed(&passed, copy, n, &used);
		must(r == h1_body_decode(&decoded, copy, n, &used_too, &kept, NULL));
		free(copy);
		must(used == used_too && used <= n && kept <= used);
		must(passed.payload == decoded.payload && decoded.payload == before + kept);
		must(passed.done == decoded.done && passed.left == decoded.left);
		must(r == BODY_BAD ? passed.chunk.reason != NULL : (passed.done || used == n));
		if (r == BODY_BAD)
			return;
		at += used;
	}
	must(!passed.done || h1_body_is_whole_at_close(&passed));
}

struct tidied {
	struct h1_body body;
	enum h1_body_result result;
	char out[4096];
	size_t n, used;
};

static void tidy_piece(struct tidied *t, const char *in, size_t n)
{
	size_t used = 0, kept = 0;
	char *copy = malloc(n + H1_CHUNK_HELD_MAX);
	must(copy != NULL);
	memcpy(copy, in, n);
	uint8_t held = t->body.held;
	t->result = h1_body_tidy(&t->body, copy, n, &used, &kept, NULL);
	must(used <= n && kept <= used + held);
	memcpy(t->out + t->n, copy, kept);
	t->n += kept;
	t->used += used;
	free(copy);
}

static void tidy(struct tidied *t, const struct h1_body *start, struct str in, size_t piece)
{
	*t = (struct tidied){ .body = *start, .result = BODY_OK };
	for (size_t at = 0; at < in.n && t->result == BODY_OK && !t->body.done; at += piece)
		tidy_piece(t, in.p + at, in.n - at < piece ? in.n - at : piece);
}

/* As a request's body, of which nothing is mended. */
static void must_be_strict(const struct h1_body *start, const struct tidied *t)
{
	struct h1_body strict = *start;
	size_t used = 0;
	strict.chunk.is_answer = false;
	char *copy = exact(t->out, t->n);
	must(h1_body_feed(&strict, copy, t->n, &used) == BODY_OK && strict.done && used == t->n);
	must(strict.payload == t->body.payload);
	free(copy);
}

static void check_tidy(const struct h1_body *start, struct str in, size_t piece)
{
	static struct tidied whole, cut;
	if (in.n > sizeof(whole.out))
		return;
	tidy(&whole, start, in, in.n);
	tidy(&cut, start, in, piece);
	must(whole.result == cut.result && whole.used == cut.used && whole.n == cut.n);
	must(memcmp(whole.out, cut.out, whole.n) == 0 && whole.body.payload == cut.body.payload);
	if (whole.result == BODY_OK && whole.body.done)
		must_be_strict(start, &whole);
}

/* The first two bytes choose framing, length and the size of the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return -1;
	struct http_head h = { .limits = &fuzz_limits };
	struct h1_body body;
	h.framing = data[0] % 4;
	h.length = data[0];
	h.is_response = (data[0] & 4) != 0;
	h1_body_init(&body, &h);
	must(body.done || h.framing != FRAMING_NONE);
	check_pieces(&body, (struct str){ (const char *)data + 2, size - 2 }, 1 + data[1]);
	check_pieces(&body, (struct str){ (const char *)data + 2, size - 2 }, size);
	if (h.is_response)
		check_tidy(&body, (struct str){ (const char *)data + 2, size - 2 }, 1 + data[1]);
	return 0;
}
