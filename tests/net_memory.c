/*
 * A second row beside the plain one: a stream over memory, driven by the calls that owners make. As
 * with TLS no poll announces what it holds, so it tells that through the loop.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/plain_stream.h"
#include "net_support.h"

/* ---- the row ---- */

struct memory {
	struct stream *stream; /* where it lives by the last call */
	struct deferred next;  /* waits while something is to be told */
	const char *in;	       /* held: what is still to be read */
	size_t in_n;
	bool has_end; /* after in */
	char out[16]; /* what was written */
	size_t out_n, room;
	int flags;	/* of the last write */
	unsigned calls; /* of the functions below that end or change it */
};

static struct memory *memory_of(const struct stream *s)
{
	return s->watcher.data;
}

static int holds(const struct memory *m)
{
	int events = 0;

	if (m->in_n > 0 || m->has_end)
		events |= STREAM_READABLE;
	if (m->out_n < m->room)
		events |= STREAM_WRITABLE;
	return events & m->stream->watched;
}

static void settle(struct memory *m)
{
	if (holds(m) != 0)
		loop_next(m->stream->loop, &m->next);
	else
		loop_defer_cancel(&m->next);
}

/* At the beginning of a turn. What the owner leaves is told again in the next. */
static void run_next(struct deferred *d)
{
	struct memory *m = container_of(d, struct memory, next);

	stream_note(m->stream, holds(m));
	settle(m);
}

static ssize_t memory_read(struct stream *s, void *to, size_t n)
{
	struct memory *m = memory_of(s);

	if (m->in_n == 0)
		return m->has_end ? IO_EOF : IO_AGAIN;
	if (n > m->in_n)
		n = m->in_n;
	memcpy(to, m->in, n);
	m->in += n;
	m->in_n -= n;
	settle(m);
	return (ssize_t)n;
}

static ssize_t memory_writev(struct stream *s, const struct iovec *iov, int count, int flags)
{
	struct memory *m = memory_of(s);
	size_t before = m->out_n;

	m->flags = flags;
	if (m->room == 0)
		return stream_fail(s, EPIPE);
	for (int i = 0; i < count && m->out_n < m->room; i++) {
		size_t left = m->room - m->out_n;
		size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;
		memcpy(m->out + m->out_n, iov[i].iov_base, n);
		m->out_n += n;
	}
	settle(m);
	return m->out_n > before ? (ssize_t)(m->out_n - before) : IO_AGAIN;
}

static void memory_note_call(struct stream *s)
{
	memory_of(s)->calls++;
}

static void memory_watch(struct stream *s, uint8_t bits)
{
	struct memory *m = memory_of(s);

	s->watched = bits;
	m->stream = s;
	settle(m);
}

static bool memory_has_input(const struct stream *s)
{
	return memory_of(s)->in_n > 0 || memory_of(s)->has_end;
}

static bool memory_has_ended(const struct stream *s)
{
	return memory_of(s)->has_end;
}

static void memory_address(const struct stream *s, struct peer *p)
{
	*p = (struct peer){ .family = AF_UNIX, .port = (uint16_t)memory_of(s)->calls };
}

static void memory_probe_silence(struct stream *s, uint32_t silent_ms)
{
	memory_of(s)->calls += silent_ms;
}

static const struct stream_ops memory_ops = {
	.read = memory_read,
	.writev = memory_writev,
	.shutdown_write = memory_note_call,
	.close = memory_note_call,
	.reset = memory_note_call,
	.watch = memory_watch,
	.has_input = memory_has_input,
	.has_ended = memory_has_ended,
	.failure = stream_system_failure,
	.local = memory_address,
	.peer = memory_address,
	.probe_silence = memory_probe_silence,
};

/* ---- its owner ---- */

struct owner {
	struct stream stream;
	int calls, events;
	size_t takes; /* bytes in each call */
	char got[16];
	size_t got_n;
};

static void on_ready(struct stream *s, int events)
{
	struct owner *o = container_of(s, struct owner, stream);

	o->calls++;
	o->events = events;
	if ((events & STREAM_READABLE) == 0 || o->takes == 0)
		return;
	ssize_t n = stream_read(s, o->got + o->got_n, o->takes);
	o->got_n += n > 0 ? (size_t)n : 0;
}

static void open_memory(struct owner *o, struct memory *m, struct loop *l, const char *in)
{
	*o = (struct owner){ .takes = 1 };
	*m = (struct memory){ .stream = &o->stream, .in = in, .in_n = strlen(in), .room = 8 };
	deferred_init(&m->next, run_next);
	stream_set_row(&o->stream, l, &memory_ops, on_ready);
	o->stream.watcher.data = m;
}

static bool has_got(const struct owner *o, const char *text)
{
	return o->got_n == strlen(text) && memcmp(o->got, text, o->got_n) == 0;
}

/* ---- tests ---- */

static void test_calls(struct loop *l)
{
	struct iovec iov[2] = { { .iov_base = (void *)(uintptr_t) "head", .iov_len = 4 },
				{ .iov_base = (void *)(uintptr_t) "bodies", .iov_len = 6 } };
	struct owner o, plain = { .calls = 0 };
	struct memory m;
	struct peer p;
	char bytes[8];
	int fds[2];

	check_case("a stream over memory");
	open_memory(&o, &m, l, "abc");
	check(stream_is_open(&o.stream) && o.stream.fd == -1, "is open without a descriptor");
	check(stream_has_input(&o.stream) && !stream_has_ended(&o.stream), "has input");
	check(stream_read(&o.stream, bytes, 8) == 3 && memcmp(bytes, "abc", 3) == 0, "is read");
	check(stream_read(&o.stream, bytes, 8) == IO_AGAIN, "to where it goes on later");
	check(stream_writev(&o.stream, iov, 2, STREAM_MORE) == 8, "is written as far as it goes");
	check(memcmp(m.out, "headbodi", 8) == 0 && m.flags == STREAM_MORE, "with the flag");
	check(stream_writev(&o.stream, iov, 2, 0) == IO_AGAIN && m.flags == 0, "is full");
	m.room = 0;
	check(stream_writev(&o.stream, iov, 1, 0) == IO_ERROR, "may fail");
	check(stream_failure(&o.stream).kind == STREAM_FAILURE_SYSTEM &&
		      stream_failure(&o.stream).sys == EPIPE &&
		      strcmp(stream_failure(&o.stream).words, "connection closed by peer") == 0,
	      "and says why");
	stream_probe_silence(&o.stream, 5);
	stream_shutdown_write(&o.stream);
	stream_local(&o.stream, &p);
	check(p.family == AF_UNIX && p.port == 6, "each call comes to the row");
	pair_unix(fds);
	plain_stream_open(&plain.stream, l, fds[0], on_ready);
	check(!stream_can_splice(&o.stream, &plain.stream) &&
		      !stream_can_splice(&plain.stream, &o.stream) &&
		      stream_can_splice(&plain.stream, &plain.stream),
	      "only the kernel's streams are spliced");
	stream_close(&plain.stream);
	(void)close(fds[1]);
	stream_reset(&o.stream);
	stream_close(&o.stream);
	check(m.calls == 7 && !stream_is_open(&o.stream), "it is ended once");
}

static void test_held(struct loop *l)
{
	struct owner o;
	struct memory m;

	check_case("bytes that no poll announces");
	open_memory(&o, &m, l, "abc");
	run_turn(l);
	check(o.calls == 0, "are not told to an owner who does not watch");
	stream_watch_read(&o.stream, true);
	check(o.calls == 0 && !stream_is_pending(&o.stream), "nor at once");
	for (int i = 1; i <= 3; i++) {
		run_one(l);
		check(o.calls == i && o.events == STREAM_READABLE, "are told once a turn");
	}
	check(has_got(&o, "abc"), "until all of them are read");
	run_turn(l);
	check(o.calls == 3 && list_is_empty(&l->next), "then no more");
	check(!ev_is_active(&l->idle), "and the loop sleeps");
	m.has_end = true;
	stream_watch_read(&o.stream, false);
	stream_watch_read(&o.stream, true);
	run_one(l);
	run_one(l);
	check(o.calls == 5, "an end is told as long as it is watched");
	stream_watch_read(&o.stream, false);
	run_turn(l);
	check(o.calls == 5 && list_is_empty(&l->next), "and no longer");
	stream_watch_write(&o.stream, true);
	run_one(l);
	check(o.events == STREAM_WRITABLE, "room to write as well");
	stream_close(&o.stream);
	run_turn(l);
	check(o.calls == 6 && list_is_empty(&l->next), "a close ends it");
}

static void test_back_pressure(struct loop *l)
{
	struct owner o;
	struct memory m;

	check_case("an owner who stops for a while");
	open_memory(&o, &m, l, "ab");
	stream_watch_read(&o.stream, true);
	run_one(l);
	stream_watch_read(&o.stream, false);
	run_turn(l);
	run_turn(l);
	check(o.calls == 1 && has_got(&o, "a"), "is left alone");
	stream_watch_read(&o.stream, true);
	run_one(l);
	check(o.calls == 2 && has_got(&o, "ab"), "and told the rest afterwards");
	stream_close(&o.stream);
}

/* It holds bytes for ever; a connection of the kernel is told in the same turns. */
static void test_fair(struct loop *l)
{
	struct owner held, polled = { .takes = 1 };
	struct memory m;
	int fds[2];

	check_case("held bytes beside polled ones");
	open_memory(&held, &m, l, "abcdefgh");
	pair_unix(fds);
	plain_stream_open(&polled.stream, l, fds[0], on_ready);
	stream_watch_read(&polled.stream, true);
	run_turn(l);
	check(write(fds[1], "xyz", 3) == 3, "bytes");
	stream_watch_read(&held.stream, true);
	for (int i = 1; i <= 3; i++) {
		run_one(l);
		check(held.calls == i && polled.calls == i, "have their turns");
	}
	stream_close(&polled.stream);
	stream_close(&held.stream);
	(void)close(fds[1]);
}

static void test_move(struct loop *l)
{
	struct owner a, b = { .takes = 1 };
	struct memory m;

	check_case("a stream over memory that moves");
	open_memory(&a, &m, l, "ab");
	stream_watch_read(&a.stream, true);
	stream_move(&b.stream, &a.stream);
	check(!stream_is_open(&a.stream) && stream_watches_read(&b.stream), "is watched there");
	stream_close(&a.stream);
	run_one(l);
	check(a.calls == 0 && b.calls == 1 && has_got(&b, "a"), "and told there");
	stream_close(&b.stream);
	check(m.calls == 1, "and ended once");
}

struct noter {
	struct deferred next;
	struct stream *stream;
	int events;
};

static void run_note(struct deferred *d)
{
	struct noter *n = container_of(d, struct noter, next);

	stream_note(n->stream, n->events);
}

static void note_next(struct noter *n, struct stream *s, int events)
{
	n->stream = s;
	n->events = events;
	deferred_init(&n->next, run_note);
	loop_next(s->loop, &n->next);
}

static void test_twice(struct loop *l)
{
	struct noter a, b;
	struct owner o;
	struct memory m;

	check_case("a stream noted twice in a turn");
	open_memory(&o, &m, l, "");
	m.out_n = m.room;
	stream_watch_read(&o.stream, true);
	stream_watch_write(&o.stream, true);
	note_next(&a, &o.stream, STREAM_READABLE);
	note_next(&b, &o.stream, STREAM_WRITABLE);
	run_one(l);
	check(o.calls == 1 && o.events == (STREAM_READABLE | STREAM_WRITABLE), "is told once");
	check(!stream_is_pending(&o.stream), "and has nothing pending");
	stream_close(&o.stream);
}

static int freed;

static void on_ready_free(struct stream *s, int events)
{
	struct memory *m = memory_of(s);

	(void)events;
	freed++;
	stream_close(s);
	free(container_of(s, struct owner, stream));
	free(m);
}

static void test_free(struct loop *l)
{
	struct owner *o = malloc(sizeof(*o));
	struct memory *m = malloc(sizeof(*m));

	check_case("a stream over memory freed by its own callback");
	if (!check(o != NULL && m != NULL, "memory")) {
		free(o);
		free(m);
		return;
	}
	open_memory(o, m, l, "abc");
	o->stream.on_ready = on_ready_free;
	stream_watch_read(&o->stream, true);
	run_one(l);
	run_turn(l);
	check(freed == 1, "is told once");
}

void net_memory_tests(struct loop *l)
{
	test_calls(l);
	test_held(l);
	test_back_pressure(l);
	test_fair(l);
	test_move(l);
	test_twice(l);
	test_free(l);
}
