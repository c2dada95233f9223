#include "http/h2_unary.h"

#include <stdlib.h>

enum { FIELDS_MAX = 48 /* of the request */ };

static const char too_large[] = "the answer is too large";

struct h2_unary {
	struct h2_shared shared;
	struct h2_session session;
	struct str body; /* of the request, what is left of it */
	const char *fault;
	uint8_t state; /* enum h2_unary_state */
	bool has_read, has_answer;
	struct out fields, content;
	char fields_text[H2_UNARY_BYTES], content_bytes[H2_UNARY_BYTES];
	char texts[]; /* head and body of the request */
};

static struct h2_unary *of(struct h2_session *s)
{
	return container_of(s, struct h2_unary, session);
}

static void fail(struct h2_unary *c, const char *why)
{
	if (c->state == H2_UNARY_FAILED)
		return;
	c->state = H2_UNARY_FAILED;
	c->fault = why;
}

/* ---- what the session tells ---- */

/* What came before was a 1xx, or these are the trailers. */
static void on_block(struct h2_session *s, void *stream)
{
	(void)stream;
	if (!of(s)->has_answer)
		of(s)->fields.n = 0;
}

static void on_field(struct h2_session *s, void *stream, struct str name, struct str value)
{
	struct out *o = &of(s)->fields;
	(void)stream;
	if (str_eq(name, STR(":status")))
		of(s)->has_answer = value.n > 0 && value.p[0] != '1';
	out_str(o, name);
	out_str(o, STR(": "));
	out_str(o, value);
	out_str(o, STR("\n"));
}

static void on_block_end(struct h2_session *s, void *stream, bool is_last)
{
	(void)s;
	(void)stream;
	(void)is_last;
}

static void on_data(struct h2_session *s, void *stream, const char *p, size_t n)
{
	(void)stream;
	out_str(&of(s)->content, (struct str){ p, n });
	if (of(s)->content.full) /* the rest would have to wait for a window */
		fail(of(s), too_large);
}

static void on_end(struct h2_session *s, void *stream)
{
	(void)s;
	(void)stream;
}

static void on_close(struct h2_session *s, void *stream, uint32_t code)
{
	struct h2_unary *c = of(s);
	(void)stream;
	if (code != H2_NO_ERROR)
		fail(c, code == H2_REFUSED_STREAM ? "the server refused the stream"
						  : "the server reset the stream");
	else if (!c->has_answer)
		fail(c, "the server ended the stream without an answer");
	else if (c->fields.full || c->content.full)
		fail(c, too_large);
	else
		c->state = H2_UNARY_WHOLE;
}

static size_t on_ask(struct h2_session *s, void *stream, size_t max, enum h2_more *more)
{
	struct h2_unary *c = of(s);
	(void)stream;
	*more = c->body.n <= max ? H2_LAST : H2_MORE;
	return c->body.n <= max ? c->body.n : max;
}

static void on_take(struct h2_session *s, void *stream, char *to, size_t n)
{
	struct h2_unary *c = of(s);
	(void)stream;
	if (n > 0)
		memcpy(to, c->body.p, n);
	c->body.p += n;
	c->body.n -= n;
}

static void on_goaway(struct h2_session *s, int32_t last_id, uint32_t code)
{
	if (last_id < 1 || code != H2_NO_ERROR)
		fail(of(s), "the server ended the connection");
}

static void on_nothing(struct h2_session *s)
{
	(void)s;
}

static const struct h2_events events = {
	.on_block = on_block,
	.on_field = on_field,
	.on_block_end = on_block_end,
	.on_data = on_data,
	.on_end = on_end,
	.on_close = on_close,
	.on_ask = on_ask,
	.on_take = on_take,
	.on_goaway = on_goaway,
	.on_settings = on_nothing,
	.on_pong = on_nothing,
};

/* ---- its life ---- */

static bool begin(struct h2_unary *c, size_t head_n, struct str scheme)
{
	const struct h2_setup setup = { .stream_window = 65535,
					.connection_window = 65535,
					.header_bytes = H2_UNARY_BYTES };
	if (h2_shared_init(&c->shared, FIELDS_MAX) != ERR_OK ||
	    h2_session_open(&c->session, &c->shared, H2_CLIENT, &setup, &events) != ERR_OK)
		return false;
	struct h2_lines lines = h2_session_lines(&c->session);
	return h2_lines_request(&lines, c->texts, head_n, scheme, STR("")) &&
	       h2_session_request(&c->session, &lines, true, c) != 0;
}

struct h2_unary *h2_unary_create(struct str head, struct str scheme, struct str body)
{
	struct h2_unary *c = calloc(1, sizeof(*c) + head.n + body.n);
	if (c == NULL)
		return NULL;
	memcpy(c->texts, head.p, head.n);
	if (body.n > 0)
		memcpy(c->texts + head.n, body.p, body.n);
	c->body = (struct str){ c->texts + head.n, body.n };
	out_init(&c->fields, c->fields_text, sizeof(c->fields_text));
	out_init(&c->content, c->content_bytes, sizeof(c->content_bytes));
	if (begin(c, head.n, scheme))
		return c;
	h2_unary_destroy(c);
	return NULL;
}

void h2_unary_destroy(struct h2_unary *c)
{
	if (c == NULL)
		return;
	h2_session_close(&c->session);
	h2_shared_fini(&c->shared);
	free(c);
}

/* ---- bytes ---- */

size_t h2_unary_gather(struct h2_unary *c, char *to, size_t room)
{
	return h2_session_gather(&c->session, to, room);
}

enum h2_unary_state h2_unary_receive(struct h2_unary *c, const char *p, size_t n, int64_t now_ms)
{
	if (!c->has_read && str_starts_with((struct str){ p, n }, STR("HTTP/1"))) {
		fail(c, "the server does not speak HTTP/2");
		return H2_UNARY_FAILED;
	}
	c->has_read = true;
	enum h2_received r = h2_session_receive(&c->session, p, n, now_ms);
	if (c->state == H2_UNARY_GOES_ON && (r != H2_GOES_ON || h2_session_is_over(&c->session)))
		fail(c, "the server broke the rules of HTTP/2");
	return (enum h2_unary_state)c->state;
}

const char *h2_unary_fault(const struct h2_unary *c)
{
	return c->fault;
}

struct str h2_unary_fields(const struct h2_unary *c)
{
	return (struct str){ c->fields.p, c->fields.n };
}

struct str h2_unary_body(const struct h2_unary *c)
{
	return (struct str){ c->content.p, c->content.n };
}
