#include "upstream/h2_answer.h"

#include "http/h1_framing.h"

enum {
	CHUNK_HEAD = 7, /* room for the size line of a chunk within a block */
	CHUNK_TAIL = 2, /* its end */
	SPILL_MAX = 2048 *
		    1024, /* bytes that wait: a body's are bounded by its window, heads are not */
};

static void set_fault(struct h2_answer *a, const char *fault)
{
	if (a->fault == NULL)
		a->fault = fault;
}

/* ---- the body in `in` ---- */

/* As long as the head has not passed it is not known whether a chunk's lines are wanted. */
static bool is_coded(const struct h2_answer *a)
{
	return a->leg->head.framing == FRAMING_CHUNKED &&
	       (!a->has_passed || a->leg->form == BODY_CODED);
}

static size_t room_for_data(struct h2_answer *a)
{
	struct buf *in = &a->leg->in;
	size_t beside = !is_coded(a) ? 0 : a->chunk > 0 ? CHUNK_TAIL : CHUNK_HEAD + CHUNK_TAIL;
	if (!buf_hold(in)) {
		a->lacks_memory = true;
		return 0;
	}
	if (buf_room(in) <= beside && a->has_passed)
		buf_compact(in);
	return buf_room(in) > beside ? buf_room(in) - beside : 0;
}

/* The first bytes of a chunk follow a gap for its line. */
static size_t put_data(struct h2_answer *a, struct str bytes)
{
	struct buf *in = &a->leg->in;
	size_t room = room_for_data(a), n = bytes.n < room ? bytes.n : room;
	if (n == 0)
		return 0;
	if (is_coded(a)) {
		if (a->chunk == 0)
			buf_added(in, CHUNK_HEAD);
		a->chunk += (uint32_t)n;
	}
	memcpy(buf_tail(in), bytes.p, n);
	buf_added(in, n);
	return n;
}

/* Its line ends where its data begin; at the start of `in` nothing is before it, else zeros are. */
static void close_chunk(struct h2_answer *a)
{
	struct buf *in = &a->leg->in;
	char line[18], *gap = buf_tail(in) - a->chunk - CHUNK_HEAD;
	size_t n = h1_chunk_size_line(line, a->chunk), unused = CHUNK_HEAD - n;
	memset(gap, '0', unused);
	memcpy(gap + unused, line, n);
	if (gap == buf_head(in))
		buf_consume(in, unused);
	(void)buf_append(in, "\r\n", CHUNK_TAIL); /* there is room */
	a->chunk = 0;
}

/* false: there is no room now. */
static bool put_last_chunk(struct h2_answer *a)
{
	struct buf *in = &a->leg->in, *trailers = &a->leg->trailers;
	size_t n = buf_len(trailers);
	if (!buf_hold(in) || in->slab->object_bytes - buf_len(in) < n + 5)
		return false;
	(void)buf_append(in, "0\r\n", 3);
	if (n > 0)
		(void)buf_append(in, buf_head(trailers), n);
	(void)buf_append(in, "\r\n", 2);
	if (!a->leg->reads_trailers)
		buf_drop(trailers);
	return true;
}

void h2_answer_settle(struct h2_answer *a)
{
	if (!a->has_passed)
		return;
	if (a->chunk > 0)
		close_chunk(a);
	if (a->has_ended && !a->is_closed && h2_spill_is_empty(&a->spill))
		a->is_closed = !is_coded(a) || put_last_chunk(a);
}

void h2_answer_pass(struct h2_answer *a, enum body_form form)
{
	struct leg *leg = a->leg;
	buf_consume(&leg->in, leg->head.bytes);
	leg->form = (uint8_t)form;
	a->has_passed = true;
	if (a->chunk == 0 || form == BODY_CODED)
		return;
	buf_consume(&leg->in, CHUNK_HEAD); /* nothing came before it */
	a->chunk = 0;
}

/* ---- looking at what came ---- */

static void begin_block(struct h2_answer *a)
{
	struct leg *leg = a->leg;
	bool is_head = a->phase == H2_ANSWER_NOTHING;
	struct buf *to = is_head ? &leg->in : &leg->trailers;
	if (!is_head && a->phase != H2_ANSWER_HEAD) {
		set_fault(a, "fields after the trailers");
		return;
	}
	if (!buf_hold(to)) {
		a->lacks_memory = true;
		set_fault(a, "out of buffers");
		return;
	}
	if (is_head)
		h1_head_init(&leg->head, true, leg->head.fields, leg->head.limits);
	h2_fields_begin(&a->fields, is_head ? H2_ANSWER : H2_TRAILERS, &leg->head, to);
	a->phase = is_head ? H2_ANSWER_BLOCK : H2_ANSWER_TRAILERS;
}

static bool is_own(const struct leg *leg, struct str name)
{
	return leg->own_field != NULL && str_eq_nocase(name, str_of(leg->own_field));
}

static void look_at_field(struct h2_answer *a, struct str name, struct str value)
{
	if (a->phase == H2_ANSWER_TRAILERS && is_own(a->leg, name))
		return;
	if (h2_fields_room(&a->fields, name, value) > buf_room(a->fields.to))
		h2_fields_refuse(&a->fields, 502, "header too large in the answer");
	else
		h2_fields_add(&a->fields, name, value);
}

static void note_end(struct h2_answer *a)
{
	const struct http_head *head = &a->leg->head;
	a->has_ended = true;
	if (head->framing == FRAMING_LENGTH && a->got != head->length)
		set_fault(a, "the body is shorter than its content-length");
}

static void end_head(struct h2_answer *a, bool is_last)
{
	struct http_head *head = &a->leg->head;
	bool is_interim = head->status < 200;
	if (head->status == 101)
		set_fault(a, "101 over HTTP/2");
	else if (is_interim && is_last)
		set_fault(a, "a 1xx that ends its stream");
	else if (!h1_response_framing(head, a->method_id))
		set_fault(a, head->refusal.reason);
	if (a->fault != NULL)
		return;
	if (head->framing == FRAMING_UNTIL_CLOSE) /* of its stream */
		head->framing = FRAMING_CHUNKED;
	a->phase = is_interim ? H2_ANSWER_INTERIM : H2_ANSWER_HEAD;
	if (is_last)
		note_end(a);
}

static void end_block(struct h2_answer *a, bool is_last)
{
	switch (h2_fields_end(&a->fields, is_last)) {
	case H2_FIELDS_MALFORMED:
		set_fault(a, a->fields.fault);
		return;
	case H2_FIELDS_REFUSED:
		set_fault(a, a->leg->head.refusal.reason);
		return;
	case H2_FIELDS_WHOLE:
		break;
	}
	if (a->phase == H2_ANSWER_BLOCK)
		end_head(a, is_last);
	else if (is_last)
		note_end(a);
	else
		set_fault(a, "trailers that do not end their stream");
}

/* How many of the bytes have their place. */
static size_t look_at_data(struct h2_answer *a, struct str bytes)
{
	const struct http_head *head = &a->leg->head;
	if (a->phase != H2_ANSWER_HEAD)
		set_fault(a, "a body without a head");
	else if (bytes.n > 0 && head->framing == FRAMING_NONE)
		set_fault(a, "a body where none may be");
	else if (head->framing == FRAMING_LENGTH && bytes.n > head->length - a->got)
		set_fault(a, "the body is longer than its content-length");
	if (a->fault != NULL)
		return bytes.n;
	size_t n = put_data(a, bytes);
	a->got += n;
	return n;
}

/* How many of the piece's bytes are done with. */
static size_t look_at(struct h2_answer *a, const struct h2_piece *p)
{
	struct str b = p->bytes;
	switch ((enum h2_spilt)p->kind) {
	case H2_SPILT_BLOCK:
		begin_block(a);
		break;
	case H2_SPILT_FIELD:
		look_at_field(a, (struct str){ b.p, p->name_n },
			      (struct str){ b.p + p->name_n, b.n - p->name_n });
		break;
	case H2_SPILT_BLOCK_END:
		end_block(a, p->is_last);
		break;
	case H2_SPILT_DATA:
		return look_at_data(a, b);
	case H2_SPILT_END:
		note_end(a);
		break;
	}
	return b.n;
}

/* ---- what comes ---- */

static bool must_wait(const struct h2_answer *a)
{
	return !h2_spill_is_empty(&a->spill) || a->phase == H2_ANSWER_INTERIM;
}

static void spill(struct h2_answer *a, const struct h2_piece *p, struct str more)
{
	if (h2_spill_bytes(&a->spill) > SPILL_MAX)
		set_fault(a, "too many heads at once");
	else if (!h2_spill_add(&a->spill, p, more))
		a->lacks_memory = true;
}

static void take(struct h2_answer *a, struct h2_piece p)
{
	if (a->fault != NULL || a->lacks_memory)
		return;
	if (likely(!must_wait(a))) {
		size_t n = look_at(a, &p);
		if (likely(n == p.bytes.n))
			return;
		p.bytes.p += n;
		p.bytes.n -= n;
	}
	spill(a, &p, (struct str){ NULL, 0 });
}

void h2_answer_block(struct h2_answer *a)
{
	take(a, (struct h2_piece){ .kind = H2_SPILT_BLOCK });
}

void h2_answer_field(struct h2_answer *a, struct str name, struct str value)
{
	if (a->fault != NULL || a->lacks_memory)
		return;
	struct h2_piece p = { .kind = H2_SPILT_FIELD, .name_n = (uint32_t)name.n, .bytes = name };
	if (unlikely(must_wait(a)))
		spill(a, &p, value);
	else
		look_at_field(a, name, value);
}

void h2_answer_block_end(struct h2_answer *a, bool is_last)
{
	take(a, (struct h2_piece){ .kind = H2_SPILT_BLOCK_END, .is_last = is_last });
}

void h2_answer_data(struct h2_answer *a, struct str bytes)
{
	a->untaken += (uint32_t)bytes.n;
	take(a, (struct h2_piece){ .kind = H2_SPILT_DATA, .bytes = bytes });
}

void h2_answer_end(struct h2_answer *a)
{
	take(a, (struct h2_piece){ .kind = H2_SPILT_END });
}

void h2_answer_go_on(struct h2_answer *a)
{
	while (!h2_spill_is_empty(&a->spill) && a->phase != H2_ANSWER_INTERIM && a->fault == NULL &&
	       !a->lacks_memory) {
		struct h2_piece p = h2_spill_first(&a->spill);
		size_t n = look_at(a, &p);
		h2_spill_take(&a->spill, n);
		if (n < p.bytes.n)
			return;
	}
}

void h2_answer_next(struct h2_answer *a)
{
	a->phase = H2_ANSWER_NOTHING;
	h2_answer_go_on(a);
}

size_t h2_answer_taken(struct h2_answer *a)
{
	size_t held = buf_len(&a->leg->in) + h2_spill_bytes(&a->spill);
	held -= held < a->leg->ahead ? held : a->leg->ahead;
	size_t n = a->untaken > held ? a->untaken - held : 0;
	a->untaken -= (uint32_t)n;
	return n;
}

/* ---- life ---- */

void h2_answer_init(struct h2_answer *a, struct leg *leg, uint8_t method_id)
{
	*a = (struct h2_answer){ .leg = leg, .method_id = method_id };
}

void h2_answer_moved(struct h2_answer *a, struct leg *leg)
{
	a->fields.to = a->fields.to == &a->leg->in ? &leg->in : &leg->trailers;
	a->fields.head = &leg->head;
	a->leg = leg;
}

void h2_answer_fini(struct h2_answer *a)
{
	h2_spill_drop(&a->spill);
}
