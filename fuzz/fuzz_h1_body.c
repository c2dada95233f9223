/* Bodies of each framing: passing them on and decoding them agree, in pieces of any size. */
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
		must(r == h1_body_decode(&decoded, copy, n, &used_too, &kept));
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

/* The first two bytes choose framing, length and the size of the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return -1;
	struct http_head h = { .limits = &fuzz_limits };
	struct h1_body body;
	h.framing = data[0] % 4;
	h.length = data[0];
	h1_body_init(&body, &h);
	must(body.done || h.framing != FRAMING_NONE);
	check_pieces(&body, (struct str){ (const char *)data + 2, size - 2 }, 1 + data[1]);
	check_pieces(&body, (struct str){ (const char *)data + 2, size - 2 }, size);
	return 0;
}
