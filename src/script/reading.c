#include "script/reading.h"

#include "http/h1_framing.h"

enum { HEAD_BYTES_MAX = 65536, URI_BYTES_MAX = 8192 };

void reading_init(struct reading *r, bool is_to_head, bool is_cut, size_t body_max)
{
	r->bounds = (struct h1_reader_bounds){ .head = { .header_bytes = HEAD_BYTES_MAX,
							 .uri_bytes = URI_BYTES_MAX,
							 .headers = READING_HEADERS_MAX },
					       .body_max = body_max,
					       .interims_max = READING_INTERIMS_MAX };
	r->is_cut = is_cut;
	h1_reader_init_answer(&r->reader, r->fields, &r->bounds,
			      is_to_head ? METHOD_HEAD : METHOD_GET);
}

/* The first n bytes of the payload; with a head or without, all before it is taken, too. */
static enum reading_result give_payload(struct reading *r, const char *bytes, size_t n,
					struct reading_gift *gift)
{
	struct str payload = h1_reader_payload(&r->reader, bytes);
	*gift = (struct reading_gift){ .bytes = { payload.p, n },
				       .taken = h1_reader_bytes(&r->reader) };
	return READING_GIVEN;
}

static enum reading_result fail(struct reading_gift *gift, const char *why)
{
	*gift = (struct reading_gift){ .why = why };
	return READING_FAILED;
}

static const char *fault_of(const struct reading *r, enum h1_reader_result result)
{
	if (result == READER_BAD_HEAD)
		return r->reader.head.refusal.reason;
	return result == READER_BAD_BODY ? "the answer's body is malformed"
					 : "the answer's body is too large";
}

static bool is_fault(enum h1_reader_result result)
{
	return result == READER_BAD_HEAD || result == READER_BAD_BODY || result == READER_LONG;
}

static enum reading_result take_head(struct reading *r, char *bytes, size_t *n,
				     struct reading_gift *gift)
{
	if (r->reader.part == READER_IN_HEAD) {
		enum h1_reader_result result = h1_reader_read(&r->reader, bytes, n);
		if (is_fault(result))
			return fail(gift, fault_of(r, result));
		if (result == READER_MORE)
			return READING_MORE;
	}
	*gift = (struct reading_gift){ .taken = 0 };
	return READING_GIVEN;
}

static enum reading_result take_whole(struct reading *r, char *bytes, size_t *n,
				      struct reading_gift *gift)
{
	struct h1_reader *reader = &r->reader;
	enum h1_reader_result result = h1_reader_read(reader, bytes, n);
	if (result == READER_HEAD)
		result = h1_reader_read(reader, bytes, n);
	if (r->is_cut && reader->part == READER_IN_BODY && reader->body_n >= r->bounds.body_max)
		return give_payload(r, bytes, r->bounds.body_max, gift);
	if (is_fault(result))
		return fail(gift, fault_of(r, result));
	return result == READER_DONE ? give_payload(r, bytes, reader->body_n, gift) : READING_MORE;
}

static enum reading_result take_piece(struct reading *r, char *bytes, size_t *n,
				      struct reading_gift *gift)
{
	struct h1_reader *reader = &r->reader;
	enum h1_reader_result result = h1_reader_read(reader, bytes, n);
	if (is_fault(result))
		return fail(gift, fault_of(r, result));
	if (reader->body_n == 0 && result != READER_DONE)
		return READING_MORE;
	(void)give_payload(r, bytes, reader->body_n, gift);
	h1_reader_pass(reader);
	return READING_GIVEN;
}

enum reading_result reading_take(struct reading *r, enum reading_part part, char *bytes, size_t *n,
				 struct reading_gift *gift)
{
	switch (part) {
	case READING_HEAD:
		return take_head(r, bytes, n, gift);
	case READING_PIECE:
		return take_piece(r, bytes, n, gift);
	default:
		return take_whole(r, bytes, n, gift);
	}
}

enum reading_result reading_end(struct reading *r, const char *bytes, struct reading_gift *gift)
{
	if (!h1_reader_ends_at_close(&r->reader))
		return fail(gift, "closed");
	return give_payload(r, bytes, r->reader.body_n, gift);
}

bool reading_is_in_step(const struct reading *r)
{
	const struct http_head *head = &r->reader.head;
	return r->reader.part == READER_IN_BODY && r->reader.body.done &&
	       head->framing != FRAMING_UNTIL_CLOSE && h1_keeps_alive(head);
}
