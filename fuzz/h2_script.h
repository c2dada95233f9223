/*
 * A peer of HTTP/2 that plays what the fuzzer wrote, and what the targets of both sides share. The
 * first byte of an input says how it is read: as bytes that come as they are, or as a script of
 * frames whose lengths are right, so that what is wrong is wrong further in.
 */
#ifndef NEAP_FUZZ_H2_SCRIPT_H
#define NEAP_FUZZ_H2_SCRIPT_H

#include "base/num.h"
#include "fuzz.h"
#include "http/h2_fields.h"
#include "http/h2_session.h"

enum {
	SCRIPT_RAW = 1,	     /* bits of the first byte */
	SCRIPT_NO_HELLO = 2, /* neither preface nor SETTINGS are put before it */
	SCRIPT_BYTES = 4,    /* it comes byte by byte */
	SCRIPT_MAX = 4096,   /* of an input */
	WIRE_MAX = SCRIPT_MAX * 9 + 64,
	STREAMS = 8,
	TEXT_BYTES = 4096, /* of a head */
	WINDOW = 1000,
	FIRST_WINDOW = 65535, /* of streams, until our SETTINGS were acknowledged */
	FRAME_MAX = 16384,
	ROUNDS_MAX = 10000,
};

struct wire {
	char bytes[WIRE_MAX];
	size_t n;
};

static inline void wire_put(struct wire *w, const void *p, size_t n)
{
	must(w->n + n <= sizeof(w->bytes));
	if (n > 0)
		memcpy(w->bytes + w->n, p, n);
	w->n += n;
}

static inline void wire_frame(struct wire *w, uint8_t type, uint8_t flags, uint32_t id,
			      const void *payload, size_t n)
{
	const uint8_t head[9] = {
		0,	    (uint8_t)(n >> 8),	 (uint8_t)n,	      type,
		flags,	    (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
		(uint8_t)id
	};
	wire_put(w, head, sizeof(head));
	wire_put(w, payload, n);
}

/* Ops of four bytes: type, flags, stream, length of what follows. */
static inline void wire_script(struct wire *w, struct str in)
{
	while (in.n >= 4) {
		const uint8_t *op = (const uint8_t *)in.p;
		size_t n = op[3] < in.n - 4 ? op[3] : in.n - 4;
		uint8_t type = op[0] % 11 == 10 ? 16 : op[0] % 11;
		wire_frame(w, type, op[1], op[2], in.p + 4, n);
		in.p += 4 + n;
		in.n -= 4 + n;
	}
}

/* What the input says that comes. */
static inline void wire_read(struct wire *w, const uint8_t *data, size_t size, bool from_client)
{
	struct str preface = STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	struct str in = { (const char *)data + 1, size - 1 };
	w->n = 0;
	if ((data[0] & SCRIPT_NO_HELLO) == 0) {
		if (from_client)
			wire_put(w, preface.p, preface.n);
		wire_frame(w, 4, 0, 0, NULL, 0);
	}
	if ((data[0] & SCRIPT_RAW) != 0)
		wire_put(w, in.p, in.n);
	else
		wire_script(w, in);
}

/* What a session sends: whole frames of a size that anybody takes, SETTINGS first. */
struct output {
	char head[9];
	size_t head_n, left;
	size_t preface_left; /* of a client */
	uint64_t frames;
};

static inline void output_frame(struct output *o)
{
	const uint8_t *h = (const uint8_t *)o->head;
	o->left = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
	o->head_n = 0;
	must(o->left <= FRAME_MAX && h[3] <= 10 && (h[5] & 0x80) == 0);
	must(o->frames++ > 0 || h[3] == 4);
}

static inline void output_look(struct output *o, const char *p, size_t n)
{
	while (n > 0) {
		size_t *left = o->preface_left > 0 ? &o->preface_left : &o->left;
		size_t skip = n < *left ? n : *left;
		*left -= skip;
		p += skip;
		n -= skip;
		if (n > 0 && o->left == 0) {
			o->head[o->head_n++] = *p++;
			n--;
		}
		if (o->head_n == sizeof(o->head))
			output_frame(o);
	}
}

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
	*side = (struct side){ .now_ms = 1000 };
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
