/*
 * Whole messages: however one is cut on its way, the reader comes to the same end, with the same
 * head, payload and rest.
 */
#include "fuzz.h"
#include "http/h1_reader.h"

enum { BODY_MAX = 64, INTERIMS_MAX = 2 };

static const struct h1_reader_bounds bounds = {
	.head = { 2048, 512, FUZZ_FIELDS },
	.body_max = BODY_MAX,
	.interims_max = INTERIMS_MAX,
};

struct run {
	struct h1_reader reader;
	struct http_field fields[FUZZ_FIELDS];
	char *bytes; /* a block of just n bytes */
	size_t n;
	unsigned heads;
	enum h1_reader_result result;
};

/* The lowest bit: an answer; the next one: to a HEAD. */
static void begin(struct run *r, uint8_t kind)
{
	*r = (struct run){ .bytes = exact("", 0), .result = READER_MORE };
	if ((kind & 1) == 0)
		h1_reader_init_request(&r->reader, r->fields, &bounds);
	else
		h1_reader_init_answer(&r->reader, r->fields, &bounds,
				      (kind & 2) != 0 ? METHOD_HEAD : METHOD_GET);
}

/* To a block of another size. */
static void resize(struct run *r, size_t n)
{
	char *bytes = malloc(n > 0 ? n : 1);
	must(bytes != NULL);
	memcpy(bytes, r->bytes, r->n < n ? r->n : n);
	free(r->bytes);
	r->bytes = bytes;
}

static void read_more(struct run *r)
{
	size_t before = r->n;
	do {
		r->result = h1_reader_read(&r->reader, r->bytes, &r->n);
		r->heads += r->result == READER_HEAD;
	} while (r->result == READER_HEAD);
	must(r->n <= before && r->heads <= 1);
	must((r->heads == 1) == (r->reader.part == READER_IN_BODY));
	if (r->heads == 1)
		must(h1_reader_bytes(&r->reader) <= r->n);
	if (r->heads == 1 && r->result == READER_MORE)
		must(h1_reader_bytes(&r->reader) == r->n);
	resize(r, r->n);
}

static void run(struct run *r, uint8_t kind, struct str in, size_t piece)
{
	begin(r, kind);
	for (size_t at = 0; at < in.n; at += piece) {
		size_t n = in.n - at < piece ? in.n - at : piece;
		resize(r, r->n + n);
		memcpy(r->bytes + r->n, in.p + at, n);
		r->n += n;
		if (r->result == READER_MORE)
			read_more(r);
	}
}

static void must_agree_on_head(const struct run *a, const struct run *b)
{
	const struct http_head *x = &a->reader.head, *y = &b->reader.head;
	must(x->status == y->status && x->bytes == y->bytes && x->n == y->n);
	must(x->framing == y->framing && x->length == y->length && x->flags == y->flags);
	must(memcmp(a->bytes, b->bytes, x->bytes) == 0);
	must(memcmp(a->fields, b->fields, x->n * sizeof(a->fields[0])) == 0);
}

/* Of what is too long or wrong, the payload is not the same: more of it may have been decoded. */
static void must_agree_on_body(const struct run *a, const struct run *b)
{
	must(a->n == b->n && a->reader.body_n == b->reader.body_n);
	must(memcmp(a->bytes, b->bytes, a->n) == 0);
	must(h1_reader_ends_at_close(&a->reader) == h1_reader_ends_at_close(&b->reader));
}

static void must_end_alike(const struct run *a, const struct run *b)
{
	must(a->result == b->result && a->heads == b->heads);
	if (a->result == READER_BAD_HEAD) {
		must(a->reader.head.refusal.reason == b->reader.head.refusal.reason);
		must(a->reader.head.refusal.status == b->reader.head.refusal.status);
	} else if (a->heads == 1) {
		must_agree_on_head(a, b);
	}
	if (a->result == READER_BAD_BODY)
		must(a->reader.body.chunk.reason == b->reader.body.chunk.reason);
	if (a->heads == 1 && (a->result == READER_DONE || a->result == READER_MORE))
		must_agree_on_body(a, b);
}

/* The first two bytes choose what is read, and the size of the pieces. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run whole, cut;
	if (size < 2 || size > 4096)
		return -1;
	struct str in = { (const char *)data + 2, size - 2 };
	run(&whole, data[0], in, in.n > 0 ? in.n : 1);
	run(&cut, data[0], in, 1u + data[1]);
	must_end_alike(&whole, &cut);
	free(whole.bytes);
	free(cut.bytes);
	return 0;
}
