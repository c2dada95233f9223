/*
 * The server's side of a connection of HTTP/2, before a client that plays what the fuzzer wrote:
 * whatever comes, what is told of streams is told in order, a head that was taken says to a reader
 * of HTTP/1 what it said here, no stream holds more than its window, and what is sent is frames.
 */
#include "h2_script.h"

static void *on_stream(struct h2_session *s, int32_t id)
{
	must(id > 0 && id % 2 == 1);
	return side_add(side_of(s), id);
}

static void must_be_good_request(const struct stream *t)
{
	const struct http_head *h = &t->head;
	const char *base = buf_head(&t->text);
	char start[TEXT_BYTES];
	struct str lines = { base + h->fields_at, buf_len(&t->text) - h->fields_at };
	must(h->bytes == buf_len(&t->text) && h->n <= FUZZ_FIELDS && h->minor == HTTP_2);
	for (uint16_t i = 0; i < h->n; i++)
		must(h->fields[i].value + h->fields[i].value_n + 2 <= h->bytes);
	struct out o;
	out_init(&o, start, sizeof(start));
	if (h->form == TARGET_AUTHORITY || h->method_id == METHOD_CONNECT) {
		out_str(&o, STR("GET /"));
	} else {
		out_str(&o, http_str(base, h->method));
		out_str(&o, STR(" "));
		out_str(&o, http_str(base, h->target));
	}
	out_str(&o, STR(" HTTP/1.1\r\n"));
	must_read_alike((struct str){ start, o.n }, lines, false, h->n);
}

static void on_block_end(struct h2_session *s, void *stream, bool is_last)
{
	struct stream *t = stream;
	(void)s;
	enum h2_fields_result result = h2_fields_end(&t->block, is_last);
	if (result == H2_FIELDS_WHOLE && t->has_head)
		must_be_good_trailers(t);
	else if (result == H2_FIELDS_WHOLE)
		must_be_good_request(t);
	t->is_bad = t->is_bad || result != H2_FIELDS_WHOLE;
	t->has_head = true;
	t->has_ended = is_last;
}

static void on_data(struct h2_session *s, void *stream, const char *p, size_t n)
{
	const struct stream *t = stream;
	must(t->has_head && !t->has_ended);
	script_on_data(s, stream, p, n);
}

static void answer(struct side *side, struct stream *t)
{
	char text[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n";
	struct h2_lines l = h2_session_lines(&side->session);
	uint16_t status;
	must(h2_lines_answer(&l, text, sizeof(text) - 1, &status) && status == 200 && l.n == 2);
	t->is_answered = true;
	t->to_send = (size_t)t->id * 311 % 3000;
	(void)h2_session_answer(&side->session, t->id, &l, t->to_send > 0);
}

static void act(struct side *side, struct stream *t)
{
	if (t->has_head && t->is_bad)
		h2_session_reset(&side->session, t->id, H2_PROTOCOL_ERROR);
	else if (t->has_ended && !t->is_answered)
		answer(side, t);
}

static const struct h2_events events = {
	on_stream,	script_on_block,  script_on_field, on_block_end,
	on_data,	script_on_end,	  script_on_close, script_on_ask,
	script_on_take, script_on_goaway, script_on_any,   script_on_any,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire wire;
	static struct side side;
	if (size < 1 || size > SCRIPT_MAX)
		return -1;
	wire_read(&wire, data, size, true);
	side_open(&side, H2_SERVER, &events);
	side.act = act;
	side_play(&side, &wire, data[0]);
	side_close(&side);
	return 0;
}
