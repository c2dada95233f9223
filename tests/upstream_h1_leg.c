/* The leg of HTTP/1, over a stream that takes as many bytes as the test lets it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "upstream/h1_leg.h"
#include "upstream_support.h"

#define HEAD "POST / HTTP/1.1\r\n\r\n"

enum { GOT_BYTES = 1024, BLOCK_BYTES = 256 };

/* ---- the backend's connection ---- */

static struct {
	char got[GOT_BYTES];
	size_t n, room; /* bytes that it got, and those that it takes still */
	unsigned writes;
} wire;

static ssize_t wire_writev(struct stream *s, const struct iovec *iov, int count, int flags)
{
	size_t before = wire.n;

	(void)s, (void)flags;
	wire.writes++;
	for (int i = 0; i < count && wire.room > 0; i++) {
		size_t n = iov[i].iov_len < wire.room ? iov[i].iov_len : wire.room;
		memcpy(wire.got + wire.n, iov[i].iov_base, n);
		wire.n += n;
		wire.room -= n;
	}
	return wire.n > before ? (ssize_t)(wire.n - before) : IO_AGAIN;
}

static void wire_watch(struct stream *s, uint8_t bits)
{
	s->watched = bits;
}

static void wire_close(struct stream *s)
{
	(void)s;
}

static const struct stream_ops wire_ops = {
	.writev = wire_writev,
	.watch = wire_watch,
	.close = wire_close,
	.failure = stream_system_failure,
};

/* ---- a leg on it ---- */

struct sender {
	struct slab blocks, small;
	struct uconn uconn;
	struct leg leg;
	const char *body;
	size_t sent;
	bool is_started;
};

static void on_ready(struct leg *leg, int events)
{
	(void)leg, (void)events;
}

static void sender_open(struct sender *s, struct loop *l, size_t room)
{
	static const struct http_limits limits = { 1000, 1000, 10 };

	memset(&wire, 0, sizeof(wire));
	wire.room = room;
	*s = (struct sender){ .body = "" };
	slab_init(&s->blocks, BLOCK_BYTES, 4);
	stream_init(&s->uconn.stream, l);
	s->uconn.stream.ops = &wire_ops;
	slab_init(&s->small, LEG_SMALL, 4);
	leg_init(&s->leg, &(struct leg_memory){ &s->blocks, &s->small }, NULL, on_ready);
	leg_reset(&s->leg, &limits);
	h1_leg_open(&s->leg, &s->uconn);
}

/* Sends what is there of the body, in two pieces. */
static ssize_t sender_send(struct sender *s, const char *trailers, bool is_last)
{
	size_t n = strlen(s->body) - s->sent, half = n / 2, took = 0;
	char *p = (char *)(uintptr_t)s->body + s->sent;
	struct iovec pieces[2] = { { p, half }, { p + half, n - half } };
	struct leg_body body = { .pieces = half > 0 ? pieces : pieces + 1,
				 .n = half > 0 ? 2 : n > 0,
				 .is_last = is_last,
				 .form = BODY_PLAIN,
				 .trailers = str_of(trailers) };
	ssize_t wrote = leg_send(&s->leg, s->is_started ? STR("") : STR(HEAD), &body, &took);

	s->is_started = true;
	s->sent += took;
	return wrote;
}

static bool got(const char *text)
{
	bool is_same = wire.n == strlen(text) && memcmp(wire.got, text, wire.n) == 0;

	if (!is_same)
		printf("  got: %.*s\n", (int)wire.n, wire.got);
	return is_same;
}

static void sender_close(struct sender *s)
{
	outbox_drop(&s->leg.out);
	check(s->blocks.used == 0, "all its memory is given back");
	slab_fini(&s->blocks);
	slab_fini(&s->small);
}

/* ---- what it does ---- */

static void test_at_once(struct loop *l)
{
	struct sender s;

	check_case("a body without a length, all of it at once");
	sender_open(&s, l, GOT_BYTES);
	s.body = "hello";
	check(sender_send(&s, "", true) > 0, "goes out");
	check(got(HEAD "5\r\nhello\r\n0\r\n\r\n"), "as one chunk, and the last one");
	check(wire.writes == 1, "in one write");
	check(!stream_watches_write(&s.uconn.stream), "and nothing waits");
	sender_close(&s);

	sender_open(&s, l, GOT_BYTES);
	sender_send(&s, "", true);
	check(got(HEAD "0\r\n\r\n"), "an empty one is the last chunk alone");
	sender_close(&s);
}

static void test_in_pieces(struct loop *l)
{
	struct sender s;

	check_case("a body without a length, in pieces");
	sender_open(&s, l, GOT_BYTES);
	sender_send(&s, "", false);
	check(got(HEAD), "the head goes alone");
	s.body = "hello";
	sender_send(&s, "", false);
	check(got(HEAD "5\r\nhello\r\n"), "then a chunk");
	s.body = "hello, world, and more";
	sender_send(&s, "", false);
	check(got(HEAD "5\r\nhello\r\n11\r\n, world, and more\r\n"), "then another");
	sender_send(&s, "A: b\r\nC: d\r\n", true);
	check(got(HEAD "5\r\nhello\r\n11\r\n, world, and more\r\n0\r\nA: b\r\nC: d\r\n\r\n"),
	      "and its end with the trailers");
	sender_close(&s);
}

/* Whatever the connection takes, and whatever comes meanwhile, it is good coding. */
static void test_slow(struct loop *l)
{
	struct sender s;

	check_case("a connection that takes so few bytes at once");
	for (size_t step = 1; step < 40; step++) {
		const char *want = HEAD "5\r\nhello\r\n7\r\n, world\r\n0\r\nA: b\r\n\r\n";
		sender_open(&s, l, step);
		s.body = "hello";
		sender_send(&s, "", false);
		s.body = "hello, world";
		for (int i = 0; i < GOT_BYTES && wire.n < strlen(want); i++) {
			check(i == 0 || stream_watches_write(&s.uconn.stream), "it waits");
			wire.room = step;
			sender_send(&s, "A: b\r\n", true);
		}
		bool is_good = got(want) || got(HEAD "c\r\nhello, world\r\n0\r\nA: b\r\n\r\n");
		check(is_good && s.sent == 12, "is good coding");
		check(!stream_watches_write(&s.uconn.stream), "and in the end nothing waits");
		sender_close(&s);
	}
}

static void test_no_memory(struct loop *l)
{
	struct sender s;
	char trailers[BLOCK_BYTES + 1];

	check_case("trailers that do not fit into memory");
	memset(trailers, 'a', BLOCK_BYTES);
	trailers[BLOCK_BYTES] = '\0';
	sender_open(&s, l, GOT_BYTES);
	s.body = "hello";
	check(sender_send(&s, trailers, true) == IO_ERROR, "fail");
	check(leg_failure(&s.leg).sys == ENOMEM && s.leg.sending == LEG_MUTE, "for lack of it");
	sender_close(&s);
}

void upstream_h1_leg_tests(struct loop *l)
{
	test_at_once(l);
	test_in_pieces(l);
	test_slow(l);
	test_no_memory(l);
}
