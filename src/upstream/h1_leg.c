#include "upstream/h1_leg.h"

#include <errno.h>

#include "http/h1_framing.h"
#include "upstream/pool.h"

static struct stream *stream_of(const struct leg *leg)
{
	return &leg->uconn->stream;
}

/* ---- the request ---- */

static ssize_t note_sent(struct leg *leg, ssize_t wrote, bool is_all)
{
	if (wrote == IO_ERROR) {
		leg->sending = LEG_MUTE;
		if (stream_failure(stream_of(leg)).sys == ENOMEM)
			leg->sent++; /* a part of the head may have gone out (outbox.h) */
		stream_watch_write(stream_of(leg), false);
		stream_watch_read(stream_of(leg), true);
		return wrote;
	}
	leg->sent += wrote > 0 ? (uint64_t)wrote : 0;
	stream_watch_write(stream_of(leg), !is_all);
	return wrote;
}

static size_t length_of(const struct iovec *pieces, int n)
{
	size_t sum = 0;
	for (int i = 0; i < n; i++)
		sum += pieces[i].iov_len;
	return sum;
}

static ssize_t send_as_is(struct leg *leg, struct str head, const struct leg_body *body,
			  size_t *took)
{
	ssize_t wrote =
		outbox_send(&leg->out, stream_of(leg), head, body->pieces, body->n, 0, took);
	bool is_all = outbox_len(&leg->out) == 0 && *took == length_of(body->pieces, body->n);
	return note_sent(leg, wrote, is_all);
}

/* ---- the request's body without a length, in the chunk coding (RFC 9112 §7.1) ---- */

/* What comes after the data of a chunk: its end, and that of a body without trailers. */
static const char chunk_ends[] = "\r\n0\r\n\r\n";

static bool put(struct leg *leg, struct str text)
{
	return text.n == 0 || buf_append(&leg->out.rest, text.p, text.n);
}

static bool put_size_line(struct leg *leg, size_t n)
{
	char line[18];
	leg->of_chunk = n;
	return put(leg, (struct str){ line, h1_chunk_size_line(line, n) });
}

static bool put_last_chunk(struct leg *leg, const struct leg_body *body)
{
	leg->has_ended = true;
	return put(leg, STR("0\r\n")) && put(leg, body->trailers) && put(leg, STR("\r\n"));
}

/* The head, and the line of a chunk that begins. A body's last chunk, if nothing is before it. */
static bool put_lines(struct leg *leg, struct str head, const struct leg_body *body, size_t n)
{
	if (!put(leg, head))
		return false;
	if (leg->of_chunk > 0 || leg->has_ended)
		return true;
	if (n > 0)
		return put_size_line(leg, n);
	return !body->is_last || put_last_chunk(leg, body);
}

/* What is there of the chunk that is under way, and then its end; how many pieces. */
static int gather_chunk(const struct leg *leg, const struct leg_body *body, struct str end,
			struct iovec iov[OUTBOX_PIECES_MAX])
{
	size_t left = leg->of_chunk;
	int n = 0;
	for (int i = 0; i < body->n && left > 0; i++) {
		struct iovec piece = body->pieces[i];
		piece.iov_len = piece.iov_len < left ? piece.iov_len : left;
		left -= piece.iov_len;
		iov[n++] = piece;
	}
	if (leg->of_chunk > 0 && left == 0)
		iov[n++] = (struct iovec){ (void *)(uintptr_t)end.p, end.n };
	return n;
}

/* The chunk's data are out, and the first `went` bytes of its end. */
static bool end_chunk(struct leg *leg, const struct leg_body *body, struct str end, size_t went)
{
	if (!put(leg, (struct str){ end.p + went, end.n - went }))
		return false;
	if (!body->is_last)
		return true;
	if (end.n > 2)
		leg->has_ended = true;
	return leg->has_ended || put_last_chunk(leg, body);
}

/* One chunk goes out, or what is left of it. Whatever is not taken of its lines is kept. */
static ssize_t write_chunk(struct leg *leg, const struct leg_body *body, bool is_end, size_t *took)
{
	struct iovec iov[OUTBOX_PIECES_MAX];
	struct str end = { chunk_ends,
			   is_end && body->trailers.n == 0 ? sizeof(chunk_ends) - 1 : 2 };
	struct leg_body part = *body;
	size_t went = 0;
	int n = gather_chunk(leg, body, end, iov);
	part.is_last = is_end;
	ssize_t wrote =
		outbox_send(&leg->out, stream_of(leg), (struct str){ NULL, 0 }, iov, n, 0, &went);
	*took = went < leg->of_chunk ? went : leg->of_chunk;
	leg->of_chunk -= *took;
	if (wrote != IO_ERROR && *took > 0 && leg->of_chunk == 0 &&
	    !end_chunk(leg, &part, end, went - *took))
		return stream_fail(stream_of(leg), ENOMEM);
	return wrote;
}

static ssize_t send_coded(struct leg *leg, struct str head, const struct leg_body *body,
			  size_t *took)
{
	size_t all = length_of(body->pieces, body->n);
	*took = 0;
	if (!put_lines(leg, head, body, all))
		return note_sent(leg, stream_fail(stream_of(leg), ENOMEM), false);
	bool is_end = body->is_last && all <= leg->of_chunk;
	ssize_t wrote = write_chunk(leg, body, is_end, took);
	bool is_all = outbox_len(&leg->out) == 0 && *took == all;
	return note_sent(leg, wrote, is_all);
}

static ssize_t h1_send(struct leg *leg, struct str head, const struct leg_body *body, size_t *took)
{
	leg->sending = LEG_SENDING;
	return likely(body->form != BODY_PLAIN) ? send_as_is(leg, head, body, took)
						: send_coded(leg, head, body, took);
}

static ssize_t h1_drain(struct leg *leg, struct pipe *from)
{
	ssize_t moved = stream_drain_pipe(stream_of(leg), from);
	return note_sent(leg, moved, from->held == 0);
}

static bool h1_is_untouched(const struct leg *leg)
{
	return leg->sent == 0;
}

/* ---- heads ---- */

static enum leg_news parse(struct leg *leg, uint8_t method_id)
{
	switch (h1_head_parse(&leg->head, buf_head(&leg->in), buf_len(&leg->in))) {
	case H1_MORE:
		return LEG_NOTHING;
	case H1_BAD:
		return LEG_BAD;
	case H1_DONE:
		break;
	}
	if (!h1_response_framing(&leg->head, method_id))
		return LEG_BAD;
	bool is_interim = leg->head.status < 200 && leg->head.status != 101;
	return is_interim ? LEG_INTERIM : LEG_HEAD;
}

static enum leg_news h1_next(struct leg *leg, uint8_t method_id)
{
	leg->interim_bytes += leg->head.bytes;
	buf_consume(&leg->in, leg->head.bytes);
	h1_head_init(&leg->head, true, leg->head.fields, leg->head.limits);
	return buf_len(&leg->in) > 0 ? parse(leg, method_id) : LEG_NOTHING;
}

/* ---- the body ---- */

/*
 * Takes the n body bytes at the end of `in`: checks their framing, drops what comes after the body,
 * and what may not be in it.
 */
static enum leg_news take_body(struct leg *leg, size_t n)
{
	char *p = buf_tail(&leg->in) - n;
	size_t used = 0, kept = 0;
	enum h1_body_result r =
		leg->form == BODY_PLAIN
			? h1_body_decode(&leg->body, p, n, &used, &kept, &leg->trailers)
			: h1_body_tidy(&leg->body, p, n, &used, &kept,
				       unlikely(leg->reads_trailers) ? &leg->trailers : NULL);
	if (used < n)
		leg->excess = LEG_EXCESS;
	leg->in.end = (uint32_t)(leg->in.end - n + kept);
	if (leg->body.done)
		leg->phase = LEG_WHOLE;
	return r == BODY_OK ? LEG_BODY : LEG_BAD;
}

static enum leg_news h1_pass(struct leg *leg, enum body_form form)
{
	if (unlikely(http_has(&leg->head, FIELD_KEEP_ALIVE)))
		leg->stands_ms = h1_keep_alive_ms(&leg->head, buf_head(&leg->in));
	buf_consume(&leg->in, leg->head.bytes);
	h1_body_init(&leg->body, &leg->head);
	leg->body.chunk.own = leg->own_field;
	leg->form = (uint8_t)form;
	leg->phase = LEG_PASSES;
	return take_body(leg, buf_len(&leg->in));
}

static enum leg_news ended(struct leg *leg, ssize_t n)
{
	if (n != IO_EOF)
		return LEG_BROKEN;
	if (leg->phase != LEG_PASSES || !h1_body_is_whole_at_close(&leg->body))
		return LEG_CLOSED;
	leg->body.done = true;
	leg->phase = LEG_WHOLE;
	return LEG_LAST;
}

static bool h1_can_fill(const struct leg *leg)
{
	return leg->phase == LEG_PASSES && leg->body.framing == FRAMING_LENGTH &&
	       buf_len(&leg->in) == 0 && stream_can_fill(stream_of(leg));
}

static enum leg_news h1_fill(struct leg *leg, struct pipe *to)
{
	ssize_t n = stream_fill_pipe(stream_of(leg), to, leg->body.left);
	if (n == IO_AGAIN)
		return LEG_NOTHING;
	if (n <= 0)
		return ended(leg, n);
	h1_body_skip(&leg->body, (uint64_t)n);
	if (!leg->body.done)
		return LEG_BODY;
	leg->phase = LEG_WHOLE;
	leg->excess = stream_has_input(stream_of(leg)) ? LEG_UNKNOWN : LEG_EXACT;
	return LEG_BODY;
}

/* ---- reading ---- */

/* A block for the next bytes, by how many of them may wait. */
static bool hold_block(struct leg *leg)
{
	struct buf *in = &leg->in;
	if (in->data == NULL)
		in->slab = leg->most > LEG_SMALL ? leg->memory.blocks : leg->memory.small;
	else if (unlikely(leg->phase == LEG_AWAITS && buf_room(in) == 0)) /* a large head */
		return in->slab == leg->memory.blocks || buf_change(in, leg->memory.blocks);
	return buf_hold(in);
}

/* How many bytes the client's room leaves for the next read. A head is read whole in any case. */
static size_t bound(struct leg *leg, size_t room)
{
	struct buf *in = &leg->in;
	size_t n = buf_len(in);
	if (n < leg->most)
		return room < leg->most - n ? room : leg->most - n;
	if (leg->phase == LEG_AWAITS)
		return room;
	if (n <= LEG_SMALL && in->slab != leg->memory.small) /* all that stays of a large block */
		(void)buf_change(in, leg->memory.small);
	return 0;
}

/* Room for the next read; 0: the client has to take some first, or there is no memory. */
static size_t make_room(struct leg *leg)
{
	struct buf *in = &leg->in;
	if (!hold_block(leg))
		return 0;
	size_t spare = leg->phase == LEG_PASSES ? H1_CHUNK_HELD_MAX : 0; /* see h1_body_tidy */
	if (buf_room(in) <= spare)
		buf_compact(in);
	size_t room = buf_room(in) > spare ? buf_room(in) - spare : 0;
	return likely(leg->most >= in->slab->object_bytes) ? room : bound(leg, room);
}

/* After the whole answer: bytes keep the connection from being used again. */
static enum leg_news read_after(struct leg *leg)
{
	char dropped[4096];
	ssize_t n = stream_read(stream_of(leg), dropped, sizeof(dropped));
	if (n > 0)
		leg->excess = LEG_EXCESS;
	return n > 0 || n == IO_AGAIN ? LEG_NOTHING : LEG_ENDED_AFTER;
}

static enum leg_news h1_read(struct leg *leg, uint8_t method_id)
{
	if (unlikely(leg->phase == LEG_WHOLE))
		return read_after(leg);
	size_t room = make_room(leg);
	if (room == 0) {
		stream_watch_read(stream_of(leg), false);
		return leg->in.data == NULL ? LEG_NO_MEMORY : LEG_FULL;
	}
	ssize_t n = stream_read(stream_of(leg), buf_tail(&leg->in), room);
	if (n == IO_AGAIN) {
		buf_drop_if_empty(&leg->in);
		return LEG_NOTHING;
	}
	if (n <= 0)
		return ended(leg, n);
	buf_added(&leg->in, (size_t)n);
	/* After a full read bytes may wait that would be taken for the next answer: see may_keep. */
	leg->excess = (size_t)n == room ? LEG_UNKNOWN : LEG_EXACT;
	return leg->phase == LEG_AWAITS ? parse(leg, method_id) : take_body(leg, (size_t)n);
}

static void h1_want(struct leg *leg, bool more)
{
	stream_watch_read(stream_of(leg), more);
}

static void h1_pause(struct leg *leg)
{
	stream_watch_read(stream_of(leg), false);
	stream_watch_write(stream_of(leg), false);
}

static void h1_resume(struct leg *leg)
{
	stream_watch_write(stream_of(leg), true);
}

/* ---- the end ---- */

static bool may_keep(const struct leg *leg, const struct leg_keep *keep)
{
	return leg->excess == LEG_EXACT && leg->sending == LEG_SENT && h1_keeps_alive(&leg->head) &&
	       (keep->max_requests == 0 || leg->uconn->requests < keep->max_requests);
}

static void h1_end(struct leg *leg, const struct leg_keep *keep)
{
	if (keep != NULL && may_keep(leg, keep))
		pool_put(leg->uconn, &keep->pool, leg->stands_ms);
	else
		uconn_close(leg->uconn);
}

static struct stream_failure h1_failure(const struct leg *leg)
{
	return stream_failure(stream_of(leg));
}

static struct stream *h1_steal(struct leg *leg)
{
	return stream_of(leg);
}

static void h1_moved(struct leg *leg, struct leg *from)
{
	(void)from;
	leg->uconn->owner = leg;
}

static const struct leg_ops h1_ops = {
	.send = h1_send,
	.drain = h1_drain,
	.read = h1_read,
	.next = h1_next,
	.pass = h1_pass,
	.fill = h1_fill,
	.can_fill = h1_can_fill,
	.want = h1_want,
	.pause = h1_pause,
	.resume = h1_resume,
	.is_untouched = h1_is_untouched,
	.failure = h1_failure,
	.end = h1_end,
	.steal = h1_steal,
	.moved = h1_moved,
};

static void on_stream_ready(struct stream *s, int events)
{
	struct leg *leg = container_of(s, struct uconn, stream)->owner;
	leg->on_ready(leg, events);
}

void h1_leg_open(struct leg *leg, struct uconn *u)
{
	leg->ops = &h1_ops;
	leg->uconn = u;
	u->owner = leg;
	u->requests++;
	u->stream.on_ready = on_stream_ready;
	stream_watch_read(&u->stream, true);
}
