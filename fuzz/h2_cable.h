/*
 * Connections in memory, on both sides of neap: what their peers send is put there, what neap sends is
 * looked at. They are a row of streams, and stand in the place of upstream/uconn.c: whoever dials a
 * backend gets one.
 */
#ifndef NEAP_FUZZ_H2_CABLE_H
#define NEAP_FUZZ_H2_CABLE_H

#include <errno.h>

#include "h2_heads.h"
#include "h2_wire.h"
#include "net/stream_open.h"
#include "net/tls_stream.h"
#include "upstream/uconn.h"

enum { CABLES = 6, CABLE_BYTES = 1 << 18, IDLE_TURNS_MAX = 50 };

enum cable_end { CABLE_GOES_ON, CABLE_ENDS, CABLE_BREAKS };

/* What is dialled next. */
enum cable_dial { DIAL_STANDS, DIAL_TAKES_TIME, DIAL_FAILS };

struct cable {
	struct stream *stream; /* NULL: it is free */
	struct uconn *uconn;   /* of a backend */
	char *in;	       /* CABLE_BYTES */
	size_t in_n, at, step; /* step: of one read */
	size_t room;	       /* for what neap sends */
	uint8_t end;	       /* enum cable_end */
	bool is_dialled;       /* and does not stand yet */
	bool is_h2;
	struct output output;
	struct heads *heads;
	struct str last; /* frame in `in` */
};

struct cables {
	struct cable of[CABLES]; /* the first is the client's */
	uint8_t dial;		 /* enum cable_dial */
	uint64_t moved;		 /* bytes, ends: a loop that turns without any has gone mad */
	/* neap has sent the head of a frame there. */
	void (*on_frame)(struct cable *c, uint8_t type, uint8_t flags, uint32_t id);
};

static struct cables cables;

/* ---- what peers send ---- */

static inline void cable_put(struct cable *c, const void *p, size_t n)
{
	if (c->stream == NULL || c->in_n + n > CABLE_BYTES)
		return;
	if (n > 0)
		memcpy(c->in + c->in_n, p, n);
	c->last = (struct str){ c->in + c->in_n, n };
	c->in_n += n;
}

static inline void cable_frame(struct cable *c, uint8_t type, uint8_t flags, uint32_t id,
			       struct str payload)
{
	static struct wire w;
	w.n = 0;
	wire_frame(&w, type, flags, id, payload.p, payload.n);
	cable_put(c, w.bytes, w.n);
}

static inline void cable_repeat(struct cable *c, unsigned times)
{
	struct str last = c->last;
	for (unsigned i = 0; i < times && last.n > 0; i++)
		cable_put(c, last.p, last.n);
}

/* ---- what neap sends ---- */

enum { FRAME_HEADERS = 1, FRAME_CONTINUATION = 9 };

static inline bool is_of_block(const struct output *o)
{
	return o->type == FRAME_HEADERS || o->type == FRAME_CONTINUATION;
}

/* A frame of neap's begins; a block of fields may end with it. */
static void cable_note_frame(struct cable *c)
{
	const struct output *o = &c->output;
	if (o->type == FRAME_HEADERS)
		c->heads->flags = o->flags;
	if (o->left == 0 && is_of_block(o) && (o->flags & FLAG_END_HEADERS) != 0)
		heads_read(c->heads);
	cables.on_frame(c, o->type, o->flags, o->id);
}

static void cable_look(struct cable *c, const char *p, size_t n)
{
	struct output *o = &c->output;
	for (size_t i = 0; i < n && c->is_h2; i++) {
		uint64_t frames = o->frames;
		bool is_payload = o->preface_left == 0 && o->left > 0;
		output_look(o, p + i, 1);
		if (o->frames > frames)
			cable_note_frame(c);
		if (!is_payload || !is_of_block(o))
			continue;
		heads_byte(c->heads, p[i]);
		if (o->left == 0 && (o->flags & FLAG_END_HEADERS) != 0)
			heads_read(c->heads);
	}
}

/* ---- the row ---- */

static inline struct cable *cable_of(const struct stream *s)
{
	return s->watcher.data;
}

static ssize_t cable_read(struct stream *s, void *to, size_t n)
{
	struct cable *c = cable_of(s);
	size_t left = c->in_n - c->at;
	n = n < left ? n : left;
	n = n < c->step ? n : c->step;
	if (left == 0 && c->end == CABLE_BREAKS)
		return stream_fail(s, ECONNRESET);
	if (left == 0)
		return c->end == CABLE_ENDS ? IO_EOF : IO_AGAIN;
	memcpy(to, c->in + c->at, n);
	c->at += n;
	cables.moved += n;
	if (c->at == c->in_n)
		c->at = c->in_n = c->last.n = 0;
	return (ssize_t)n;
}

static ssize_t cable_writev(struct stream *s, const struct iovec *iov, int count, int flags)
{
	struct cable *c = cable_of(s);
	size_t sum = 0;
	(void)flags;
	if (c->end == CABLE_BREAKS)
		return stream_fail(s, EPIPE);
	for (int i = 0; i < count && c->room > 0; i++) {
		size_t n = iov[i].iov_len < c->room ? iov[i].iov_len : c->room;
		char *copy = exact(iov[i].iov_base, n);
		cable_look(c, copy, n);
		free(copy);
		c->room -= n;
		sum += n;
	}
	cables.moved += sum;
	return sum > 0 ? (ssize_t)sum : IO_AGAIN;
}

static void cable_close(struct stream *s)
{
	struct cable *c = cable_of(s);
	cables.moved++;
	c->stream = NULL;
	c->uconn = NULL;
}

static void cable_shut(struct stream *s)
{
	(void)s;
}

static void cable_watch(struct stream *s, uint8_t bits)
{
	s->watched = bits;
	if (bits != 0)
		cable_of(s)->stream = s; /* it may have moved */
}

static bool cable_has_ended(const struct stream *s)
{
	return cable_of(s)->end != CABLE_GOES_ON;
}

static bool cable_has_input(const struct stream *s)
{
	return cable_of(s)->in_n > cable_of(s)->at || cable_has_ended(s);
}

static void cable_address(const struct stream *s, struct peer *p)
{
	(void)s;
	*p = (struct peer){ .family = AF_INET, .port = 1, .ip = { 127, 0, 0, 1 } };
}

static void cable_probe(struct stream *s, uint32_t silent_ms)
{
	(void)s, (void)silent_ms;
}

static const struct stream_ops cable_ops = {
	.read = cable_read,
	.writev = cable_writev,
	.shutdown_write = cable_shut,
	.close = cable_close,
	.reset = cable_close,
	.watch = cable_watch,
	.has_input = cable_has_input,
	.has_ended = cable_has_ended,
	.failure = stream_system_failure,
	.local = cable_address,
	.peer = cable_address,
	.probe_silence = cable_probe,
};

/* Its stream is set up by now but for the row. */
static inline void cable_open(struct cable *c, struct stream *s, bool is_h2, bool is_client)
{
	char *in = c->in != NULL ? c->in : malloc(CABLE_BYTES);
	struct heads *heads = c->heads != NULL ? c->heads : calloc(1, sizeof(*heads));
	must(in != NULL && heads != NULL);
	heads_init(heads, is_client);
	*c = (struct cable){
		.stream = s, .in = in, .heads = heads, .step = SIZE_MAX, .room = SIZE_MAX
	};
	c->is_h2 = is_h2;
	c->output.preface_left = is_client ? 24 : 0;
	s->ops = &cable_ops;
	s->watcher.data = c;
}

/* ---- dialling, instead of upstream/uconn.c ---- */

int64_t uconn_age_us(const struct uconn *u)
{
	return u->stream.loop->now_us - u->since_us;
}

static struct cable *cable_free(void)
{
	for (size_t i = 1; i < CABLES; i++)
		if (cables.of[i].stream == NULL)
			return &cables.of[i];
	return NULL;
}

static void uconn_begin(struct uconn *u, struct upstream *up, struct backend *b,
			const struct uconn_wish *wish)
{
	memset(u, 0, sizeof(*u));
	stream_init(&u->stream, up->loop);
	u->upstream = up;
	u->backend = b;
	list_init(&u->node);
	timer_init(&u->idle_timer, NULL);
	u->places = b->places;
	u->state = UCONN_NEW;
	u->owner = wish->owner;
	u->since_us = up->loop->now_us;
	u->on_connected = wish->on_connected;
	u->on_lost = wish->on_lost;
}

enum uconn_dialled uconn_dial(struct upstream *up, struct backend *b, const struct uconn_wish *wish,
			      struct uconn **out, struct stream_failure *why)
{
	struct cable *c = cable_free();
	struct uconn *u = cables.dial == DIAL_FAILS || c == NULL ? NULL : slab_take(&up->uconns);
	*why = (struct stream_failure){ STREAM_FAILURE_SYSTEM, ECONNREFUSED, "refused" };
	*out = u;
	if (u == NULL)
		return UCONN_FAILED;
	uconn_begin(u, up, b, wish);
	cable_open(c, &u->stream, wish->alpn.n > 0, true);
	c->uconn = u;
	if (cables.dial == DIAL_STANDS)
		return UCONN_CONNECTED;
	c->is_dialled = true;
	u->state = UCONN_DIAL;
	list_append(&b->dials, &u->node);
	return UCONN_IN_PROGRESS;
}

/* Those that are dialled stand, or do not, or neap is told that they were lost on the way. */
static void cable_settle(struct cable *c, unsigned how)
{
	struct uconn *u = c->uconn;
	if (c->stream == NULL || !c->is_dialled)
		return;
	c->is_dialled = false;
	cables.moved++;
	if (how % 3 == 2) {
		c->is_dialled = true; /* it is closed as such */
		u->on_lost(u);
		return;
	}
	list_remove(&u->node);
	if (how % 3 == 0)
		u->state = UCONN_NEW;
	else
		u->stream.sys = ECONNREFUSED;
	u->on_connected(u, how % 3 == 0);
}

int uconn_lacks(const struct uconn *u)
{
	(void)u;
	return 0;
}

int uconn_first_lacks(const struct backend *b)
{
	(void)b;
	return 0;
}

void uconn_first_answer(struct uconn *u)
{
	u->state = UCONN_BUSY;
}

void uconn_close(struct uconn *u)
{
	list_remove(&u->node);
	timer_stop(&u->idle_timer);
	stream_close(&u->stream);
	slab_put(&u->upstream->uconns, u);
}

#endif
