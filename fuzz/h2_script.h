/*
 * A session of HTTP/2 and its owner, before a peer that plays what the fuzzer wrote: what the targets
 * of both sides share.
 */
#ifndef NEAP_FUZZ_H2_SCRIPT_H
#define NEAP_FUZZ_H2_SCRIPT_H

#include "h2_wire.h"
#include "http/h2_fields.h"
#include "http/h2_session.h"

enum {
	STREAMS = 8,
	TEXT_BYTES = 4096, /* of a head */
	WINDOW = 1000,
	FIRST_WINDOW = 65535, /* of streams, until our SETTINGS were acknowledged */
	ROUNDS_MAX = 10000,
};

static const struct http_limits script_limits = { 2048, 512, FUZZ_FIELDS };

/* A stream as an owner has it. */
struct stream {
	int32_t id; /* 0: free */
	struct http_head head;
	struct http_field fields[FUZZ_FIELDS];
	struct h2_fields block;
	struct buf text;
	bool has_head, has_ended, is_bad, is_answered;
	size_t untaken, to_send;
};

static inline void stream_begin_block(struct stream *t, enum h2_block block)
{
	t->text.start = t->text.end = 0;
	if (block != H2_TRAILERS)
		h1_head_init(&t->head, block == H2_ANSWER, t->fields, &script_limits);
	h2_fields_begin(&t->block, block, &t->head, &t->text);
}

static inline void stream_add(struct stream *t, struct str name, struct str value)
{
	char *n = exact(name.p, name.n), *v = exact(value.p, value.n);
	if (h2_fields_room(&t->block, name, value) > buf_room(&t->text))
		h2_fields_refuse(&t->block, 431, "too large");
	else
		h2_fields_add(&t->block, (struct str){ n, name.n }, (struct str){ v, value.n });
	free(n);
	free(v);
}

static inline size_t count_lines(struct str text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* A reader of HTTP/1 finds in the text just the fields that came: nothing was smuggled in. */
static inline void must_read_alike(struct str start, struct str lines, bool is_response, size_t n)
{
	static const struct http_limits limits = { 65535, 8192, FUZZ_FIELDS + 8 };
	char memory[TEXT_BYTES * 2];
	struct http_field fields[FUZZ_FIELDS + 8];
	struct http_head h = { .n = 0 };
	memcpy(memory, start.p, start.n);
	memcpy(memory + start.n, lines.p, lines.n);
	char *copy = exact(memory, start.n + lines.n);
	h1_head_init(&h, is_response, fields, &limits);
	must(h1_head_parse(&h, copy, start.n + lines.n) == H1_DONE);
	must(h.bytes == start.n + lines.n && h.n == n);
	must(!http_has(&h, FIELD_TRANSFER_ENCODING) && !http_has(&h, FIELD_CONNECTION));
	free(copy);
}

static inline void must_be_good_trailers(const struct stream *t)
{
	struct str lines = { buf_head(&t->text), buf_len(&t->text) };
	char text[TEXT_BYTES + 2];
	memcpy(text, lines.p, lines.n);
	memcpy(text + lines.n, "\r\n", 2);
	if (count_lines(lines) <= FUZZ_FIELDS)
		must_read_alike(STR("GET / HTTP/1.1\r\nhost: a\r\n"),
				(struct str){ text, lines.n + 2 }, false, count_lines(lines) + 1);
}

/* ---- a session and its owner ---- */

struct side {
	struct h2_session session;
	struct output output;
	enum h2_block heads; /* of what the peer sends first on a stream */
	struct stream streams[STREAMS];
	int64_t now_ms;
	void (*act)(struct side *side, struct stream *t); /* what an owner does between */
};

static inline struct side *side_of(struct h2_session *s)
{
	return container_of(s, struct side, session);
}

/* NULL: there is room for no more. */
static inline struct stream *side_add(struct side *side, int32_t id)
{
	for (size_t i = 0; i < STREAMS; i++) {
		struct stream *t = &side->streams[i];
		must(t->id != id);
		if (t->id != 0)
			continue;
		struct buf text = t->text;
		*t = (struct stream){ .id = id, .text = text };
		return t;
	}
	return NULL;
}

static inline void script_on_block(struct h2_session *s, void *stream)
{
	struct stream *t = stream;
	must(t->id != 0 && !t->has_ended);
	stream_begin_block(t, t->has_head ? H2_TRAILERS : side_of(s)->heads);
}

static inline void script_on_field(struct h2_session *s, void *stream, struct str name,
				   struct str value)
{
	(void)s;
	stream_add(stream, name, value);
}

/* Not more than the window; that of a stream may be as large as RFC 9113 begins with. */
static inline void script_on_data(struct h2_session *s, void *stream, const char *p, size_t n)
{
	struct stream *t = stream;
	(void)s;
	must(t->id != 0 && (n == 0 || p != NULL));
	t->untaken += n;
	must(t->untaken <= FIRST_WINDOW);
}

static inline void script_on_end(struct h2_session *s, void *stream)
{
	struct stream *t = stream;
	must((t->has_head || side_of(s)->heads == H2_ANSWER) && !t->has_ended);
	t->has_ended = true;
}

static inline void script_on_take(struct h2_session *s, void *stream, char *to, size_t n)
{
	struct stream *t = stream;
	(void)s;
	must(t != NULL && n <= t->to_send);
	memset(to, 'a', n);
	t->to_send -= n;
}

static inline void script_on_close(struct h2_session *s, void *stream, uint32_t code)
{
	struct stream *t = stream;
	(void)s;
	(void)code;
	must(t->id != 0);
	t->id = 0;
}

/* A body that ends with trailers on some streams. */
static inline size_t script_on_ask(struct h2_session *s, void *stream, size_t max,
				   enum h2_more *more)
{
	struct stream *t = stream;
	size_t n = t->to_send < max ? t->to_send : max;
	if (n == t->to_send)
		*more = H2_LAST;
	if (n == t->to_send && t->id % 8 == 1) {
		char text[] = "X-Sum: 1\r\n";
		struct h2_lines l = h2_session_lines(s);
		must(h2_lines_trailers(&l, text, sizeof(text) - 1));
		if (h2_session_trailers(s, t->id, &l))
			*more = H2_THEN_TRAILERS;
	}
	return n;
}

static inline void script_on_goaway(struct h2_session *s, int32_t last_id, uint32_t code)
{
	(void)s;
	(void)code;
	must(last_id >= 0);
}

static inline void script_on_any(struct h2_session *s)
{
	must(s->ng != NULL);
}

static inline void side_gather(struct side *side)
{
	char to[H2_GATHER_MIN];
	size_t n, rounds = 0;
	while ((n = h2_session_gather(&side->session, to, sizeof(to))) > 0) {
		output_look(&side->output, to, n);
		must(++rounds < ROUNDS_MAX);
	}
}

static inline enum h2_received side_feed(struct side *side, const char *p, size_t n)
{
	char *copy = exact(p, n);
	enum h2_received result = h2_session_receive(&side->session, copy, n, side->now_ms);
	free(copy);
	for (size_t i = 0; i < STREAMS; i++) {
		struct stream *t = &side->streams[i];
		if (t->id == 0 || result != H2_GOES_ON)
			continue;
		size_t taken = t->untaken - t->untaken / 2;
		t->untaken -= taken;
		h2_session_took(&side->session, t->id, taken);
		side->act(side, t);
	}
	side_gather(side);
	return result;
}

/* All that comes, in pieces; then an end as drains have it. */
static inline void side_play(struct side *side, const struct wire *w, uint8_t mode)
{
	size_t step = (mode & SCRIPT_BYTES) != 0 ? 1 : 1 + w->n / (1 + (mode >> 4));
	side_gather(side);
	for (size_t at = 0; at < w->n; at += step) {
		size_t n = w->n - at < step ? w->n - at : step;
		side->now_ms += 7;
		if (side_feed(side, w->bytes + at, n) != H2_GOES_ON ||
		    h2_session_is_over(&side->session))
			return;
	}
	h2_session_announce_end(&side->session);
	side_gather(side);
	h2_session_end(&side->session);
	side_gather(side);
}

/* What both sides share lives as long as the program. */
static inline void side_open(struct side *side, enum h2_side which, const struct h2_events *events)
{
	static struct h2_shared shared;
	static struct slab slab;
	const struct h2_setup setup = { STREAMS, WINDOW, FIRST_WINDOW, 2048, true };
	if (shared.callbacks == NULL) {
		must(h2_shared_init(&shared, 64) == ERR_OK);
		slab_init(&slab, TEXT_BYTES, STREAMS);
	}
	*side = (struct side){ .heads = which == H2_SERVER ? H2_REQUEST : H2_ANSWER,
			       .now_ms = 1000 };
	side->output.preface_left = which == H2_CLIENT ? 24 : 0;
	for (size_t i = 0; i < STREAMS; i++) {
		buf_init(&side->streams[i].text, &slab);
		must(buf_hold(&side->streams[i].text));
	}
	must(h2_session_open(&side->session, &shared, which, &setup, events) == ERR_OK);
}

static inline void side_close(struct side *side)
{
	h2_session_close(&side->session);
	for (size_t i = 0; i < STREAMS; i++)
		buf_drop(&side->streams[i].text);
}

#endif
