/*
 * The client's side of a connection of HTTP/2, before a backend that plays what the fuzzer wrote:
 * whatever comes, each stream is told its answer in order, an answer that was taken says to a reader
 * of HTTP/1 what it said here, and each stream that was begun ends once.
 */
#include "h2_script.h"

enum { REQUESTS = 4 };

static void *on_stream(struct h2_session *s, int32_t id)
{
	(void)s;
	(void)id;
	must(false); /* push is off: nobody but us begins one */
	return NULL;
}

static void must_be_good_answer(const struct stream *t)
{
	const struct http_head *h = &t->head;
	struct str lines = { buf_head(&t->text) + h->fields_at, buf_len(&t->text) - h->fields_at };
	must(h->bytes == buf_len(&t->text) && h->n <= FUZZ_FIELDS);
	must(h->status >= 100 && h->status <= 999);
	must_read_alike(STR("HTTP/1.1 200 OK\r\n"), lines, true, h->n);
}

static void on_block_end(struct h2_session *s, void *stream, bool is_last)
{
	struct stream *t = stream;
	(void)s;
	enum h2_fields_result result = h2_fields_end(&t->block, is_last);
	if (result == H2_FIELDS_WHOLE && t->has_head)
		must_be_good_trailers(t);
	else if (result == H2_FIELDS_WHOLE)
		must_be_good_answer(t);
	t->is_bad = t->is_bad || result != H2_FIELDS_WHOLE;
	/* Of 1xx more than one may come. */
	t->has_head = t->has_head || t->is_bad || t->head.status >= 200;
	t->has_ended = is_last;
}

static void act(struct side *side, struct stream *t)
{
	if (t->is_bad)
		h2_session_reset(&side->session, t->id, H2_PROTOCOL_ERROR);
}

static const struct h2_events events = {
	on_stream,	script_on_block,  script_on_field, on_block_end,
	script_on_data, script_on_end,	  script_on_close, script_on_ask,
	script_on_take, script_on_goaway, script_on_any,   script_on_any,
};

static void request(struct side *side, size_t i)
{
	char text[] = "POST /path HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nA: b\r\n\r\n";
	struct h2_lines l = h2_session_lines(&side->session);
	struct stream *t = side_add(side, -1);
	must(t != NULL);
	must(h2_lines_request(&l, text, sizeof(text) - 1, STR("http"), STR("")) && l.n == 5);
	t->to_send = i * 777;
	t->id = h2_session_request(&side->session, &l, t->to_send > 0, t);
	must(t->id == (int32_t)(2 * i + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire wire;
	static struct side side;
	if (size < 1 || size > SCRIPT_MAX)
		return -1;
	wire_read(&wire, data, size, false);
	side_open(&side, H2_CLIENT, &events);
	side.act = act;
	for (size_t i = 0; i < REQUESTS; i++)
		request(&side, i);
	side_play(&side, &wire, data[0]);
	side_close(&side);
	return 0;
}
