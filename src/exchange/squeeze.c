#include "exchange/squeeze.h"

#include <stdlib.h>

enum {
	CHUNK_START = 6, /* "4000\r\n" */
	CHUNK_END = 2,
	LAST_CHUNK = 5, /* "0\r\n\r\n" */
	ROOM_MIN = 64,	/* less than that is no room: zlib wants more than 6 bytes to flush */
};

/* ---- life ---- */

static void on_turn(struct deferred *turn)
{
	struct squeeze *s = container_of(turn, struct squeeze, turn);
	s->rq->owner->on_squeezed(s->rq);
}

static bool is_room_for(struct request *rq, enum coding coding)
{
	return coding == CODING_IDENTITY ||
	       rq->plane->squeezes_n < rq->service->conf->compress.answers;
}

struct squeeze *squeeze_create(struct request *rq, enum coding coding, int level)
{
	struct squeeze *s = is_room_for(rq, coding) ? calloc(1, sizeof(*s)) : NULL;
	if (s == NULL)
		return NULL;
	s->rq = rq;
	deferred_init(&s->turn, on_turn);
	buf_init(&s->out, &rq->plane->squeezed);
	if (!buf_hold(&s->out) || !encoder_init(&s->encoder, coding, level)) {
		squeeze_destroy(s);
		return NULL;
	}
	s->is_counted = coding != CODING_IDENTITY;
	rq->plane->squeezes_n += s->is_counted;
	return s;
}

void squeeze_destroy(struct squeeze *s)
{
	if (s == NULL)
		return;
	s->rq->plane->squeezes_n -= s->is_counted;
	loop_defer_cancel(&s->turn);
	encoder_fini(&s->encoder);
	buf_drop(&s->out);
	free(s);
}

void squeeze_begin(struct squeeze *s, struct client_body *b, enum client_form form)
{
	s->is_chunked = form == CLIENT_CODED;
	s->in = b->buf;
	s->text = b->text;
	s->text_n = b->text_n;
	b->buf = &s->out;
	b->text_n = 0;
}

/* ---- what comes in ---- */

static struct str input(const struct squeeze *s)
{
	if (s->in != NULL && buf_len(s->in) > 0)
		return (struct str){ buf_head(s->in), buf_len(s->in) };
	return s->text_n > 0 ? (struct str){ s->text, s->text_n } : STR("");
}

static size_t input_left(const struct squeeze *s)
{
	return (s->in != NULL ? buf_len(s->in) : 0) + s->text_n;
}

static void use_input(struct squeeze *s, size_t n)
{
	if (s->in != NULL && buf_len(s->in) > 0) {
		buf_consume(s->in, n);
		return;
	}
	s->text += n;
	s->text_n -= (uint32_t)n;
}

/* ---- what goes out ---- */

/* A chunk that was reserved at the end of `out`, now that its n bytes are there. */
static void close_chunk(struct squeeze *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char *p = buf_tail(&s->out);
	if (n == 0)
		return;
	for (unsigned i = 0; i < 4; i++)
		p[i] = digits[n >> (12 - 4 * i) & 15];
	memcpy(p + 4, "\r\n", 2);
	memcpy(p + CHUNK_START + n, "\r\n", CHUNK_END);
	buf_added(&s->out, CHUNK_START + n + CHUNK_END);
}

static size_t frame_bytes(const struct squeeze *s)
{
	return s->is_chunked ? CHUNK_START + CHUNK_END : 0;
}

static bool has_room(const struct squeeze *s)
{
	return buf_room(&s->out) >= ROOM_MIN + frame_bytes(s);
}

/* Trailers that no block has room for are left out, as they may be (RFC 9110 §6.5.1). */
static void put_last_chunk(struct squeeze *s, struct str trailers)
{
	if (trailers.n > PLANE_SQUEEZED_BYTES - LAST_CHUNK)
		trailers.n = 0;
	if (buf_room(&s->out) < LAST_CHUNK + trailers.n)
		return;			       /* in the next step */
	(void)buf_append(&s->out, "0\r\n", 3); /* there is room for all three */
	(void)buf_append(&s->out, trailers.p, trailers.n);
	(void)buf_append(&s->out, "\r\n", 2);
	s->is_over = true;
}

static void put_end(struct squeeze *s, struct str trailers)
{
	if (s->is_chunked)
		put_last_chunk(s, trailers);
	else
		s->is_over = true;
}

/* ---- a step ---- */

/* What is next, of at most `most` bytes; false: nothing. */
static bool begin(struct squeeze *s, bool is_whole, size_t most)
{
	size_t n = input(s).n;
	if (s->is_begun)
		return true;
	if (n == 0 && !is_whole)
		return false;
	bool is_all = n <= most && n == input_left(s);
	s->goal = (uint8_t)(!is_all ? ENCODE_MORE : is_whole ? ENCODE_END : ENCODE_FLUSH);
	s->held = n < most ? n : most;
	s->is_begun = true;
	return true;
}

/* Runs the encoder on what was begun, into the room that there is. Bytes that it took are *took. */
static enum encode_result run(struct squeeze *s, size_t *took)
{
	size_t room = buf_room(&s->out) - frame_bytes(s);
	char *to = buf_tail(&s->out) + (s->is_chunked ? CHUNK_START : 0);
	struct encode_io io = { input(s).p, s->held, to, room };
	enum encode_result result = encoder_run(&s->encoder, (enum encode_goal)s->goal, &io);
	*took = s->held - io.in_n;
	s->held = io.in_n;
	if (*took > 0)
		use_input(s, *took);
	if (s->is_chunked)
		close_chunk(s, room - io.out_n);
	else
		buf_added(&s->out, room - io.out_n);
	if (result == ENCODE_DONE) {
		s->is_begun = false;
		s->has_ended = s->goal == ENCODE_END;
	}
	return result;
}

bool squeeze_step(struct squeeze *s, bool is_whole, struct str trailers)
{
	size_t left = SQUEEZE_PIECE, took;
	buf_compact(&s->out);
	while (!s->has_ended && left > 0 && has_room(s) && begin(s, is_whole, left)) {
		if (run(s, &took) == ENCODE_FAILED) {
			s->has_more = false;
			return false;
		}
		left -= took;
	}
	if (s->has_ended && !s->is_over)
		put_end(s, trailers);
	s->has_more = !s->is_over && (s->is_begun || is_whole || input_left(s) > 0);
	return true;
}

bool squeeze_goes_on(struct squeeze *s)
{
	if (likely(!s->has_more))
		return false;
	loop_yield(s->rq->plane->loop, &s->turn);
	return true;
}
