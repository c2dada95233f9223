#include "net/plain_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net_support.h"

struct end {
	struct stream stream;
	int calls;
	int events;
};

static void on_ready(struct stream *s, int events)
{
	struct end *e = container_of(s, struct end, stream);

	e->calls++;
	e->events = events;
}

static void open_end(struct end *e, struct loop *l, int fd)
{
	*e = (struct end){ .calls = 0 };
	plain_stream_open(&e->stream, l, fd, on_ready);
}

static ssize_t send_text(struct stream *s, const char *a, const char *b)
{
	struct iovec iov[2] = {
		{ .iov_base = (void *)(uintptr_t)a, .iov_len = strlen(a) },
		{ .iov_base = (void *)(uintptr_t)b, .iov_len = strlen(b) },
	};

	return stream_writev(s, iov, 2, 0);
}

static void test_io(struct loop *l)
{
	struct end a, b;
	char bytes[16];
	int fds[2];

	check_case("stream read and writev");
	pair_tcp(fds);
	open_end(&a, l, fds[0]);
	open_end(&b, l, fds[1]);
	check(stream_is_open(&a.stream) && !stream_watches_read(&a.stream), "open, nothing armed");
	check(stream_read(&a.stream, bytes, sizeof(bytes)) == IO_AGAIN, "nothing there yet");
	stream_watch_read(&b.stream, true);
	check(stream_watches_read(&b.stream), "armed");
	check(send_text(&a.stream, "head", "body") == 8, "one write of two pieces");
	run_until(l, &b.calls);
	check(b.events == STREAM_READABLE, "the other side is told");
	check(stream_read(&b.stream, bytes, 6) == 6 && memcmp(bytes, "headbo", 6) == 0,
	      "six bytes");
	check(stream_read(&b.stream, bytes, sizeof(bytes)) == 2, "the other two");
	stream_shutdown_write(&a.stream);
	b.calls = 0;
	run_until(l, &b.calls);
	check(stream_read(&b.stream, bytes, sizeof(bytes)) == IO_EOF, "the end");
	check(send_text(&b.stream, "still", "") == 5, "the other direction stands");
	stream_close(&a.stream);
	stream_close(&b.stream);
	check(!fd_is_open(fds[0]) && !fd_is_open(fds[1]), "closed for good");
}

static void test_closed(struct loop *l)
{
	struct stream s;
	char c;

	check_case("a closed stream");
	stream_init(&s, l);
	check(!stream_is_open(&s), "is closed");
	check(stream_read(&s, &c, 1) == IO_ERROR && stream_failure(&s).sys == ENOTCONN,
	      "cannot be read");
	s.sys = 0;
	check(send_text(&s, "a", "") == IO_ERROR && stream_failure(&s).sys == ENOTCONN,
	      "nor written");
	stream_watch_read(&s, true);
	stream_watch_write(&s, true);
	check(!stream_watches_read(&s), "nor watched");
	stream_shutdown_write(&s);
	stream_reset(&s);
	stream_close(&s);
	stream_close(&s);
}

static void test_errors(struct loop *l)
{
	struct end a, b;
	char c;
	int fds[2];

	check_case("a peer that resets");
	pair_tcp(fds);
	open_end(&a, l, fds[0]);
	open_end(&b, l, fds[1]);
	stream_watch_read(&b.stream, true);
	stream_reset(&a.stream);
	run_until(l, &b.calls);
	check(stream_read(&b.stream, &c, 1) == IO_ERROR, "is an error");
	check(stream_failure(&b.stream).sys == ECONNRESET, "of this kind");
	check(strcmp(stream_failure(&b.stream).words, "connection reset by peer") == 0,
	      "with words");
	check(send_text(&b.stream, "a", "") == IO_ERROR && stream_failure(&b.stream).sys == EPIPE,
	      "writing fails without a signal");
	stream_close(&b.stream);
}

/* Fills the pipe until the kernel takes no more; the bytes it took. */
static size_t fill(struct stream *s)
{
	static const char block[65536];
	struct iovec iov = { .iov_base = (void *)(uintptr_t)block, .iov_len = sizeof(block) };
	size_t total = 0;
	ssize_t n;

	while ((n = stream_writev(s, &iov, 1, 0)) > 0)
		total += (size_t)n;
	check(n == IO_AGAIN, "a full connection says again");
	return total;
}

static void test_full(struct loop *l)
{
	static char block[65536];
	struct end a, b;
	int fds[2];
	size_t got = 0;
	ssize_t n;

	check_case("back-pressure");
	pair_unix(fds);
	open_end(&a, l, fds[0]);
	open_end(&b, l, fds[1]);
	size_t sent = fill(&a.stream);
	stream_watch_write(&a.stream, true);
	run_turn(l);
	check(a.calls == 0, "not writable while full");
	while ((n = stream_read(&b.stream, block, sizeof(block))) > 0)
		got += (size_t)n;
	check(got == sent && n == IO_AGAIN, "all bytes arrive");
	run_until(l, &a.calls);
	check(a.events == STREAM_WRITABLE, "writable when the other side has read");
	stream_close(&a.stream);
	stream_close(&b.stream);
}

static void test_both(struct loop *l)
{
	struct end a;
	int fds[2];

	check_case("both directions ready");
	pair_unix(fds);
	open_end(&a, l, fds[0]);
	check(write(fds[1], "x", 1) == 1, "a byte");
	stream_watch_read(&a.stream, true);
	stream_watch_write(&a.stream, true);
	run_until(l, &a.calls);
	check(a.calls == 1 && a.events == (STREAM_READABLE | STREAM_WRITABLE), "are one call");
	stream_close(&a.stream);
	(void)close(fds[1]);
}

static void test_calls(struct loop *l)
{
	struct end a, moved;
	int fds[2];

	check_case("system calls of watching");
	pair_unix(fds);
	open_end(&a, l, fds[0]);
	stream_watch_read(&a.stream, true);
	stream_watch_read(&a.stream, true);
	run_turn(l);
	unsigned ctls = epoll_ctls();
	stream_watch_read(&a.stream, false);
	stream_watch_read(&a.stream, true);
	run_turn(l);
	check(epoll_ctls() == ctls, "none for off and on within a turn");
	stream_move(&moved.stream, &a.stream);
	run_turn(l);
	check(epoll_ctls() == ctls, "none for a move");
	stream_close(&moved.stream);
	run_turn(l);
	check(epoll_ctls() == ctls, "none for a close");
	(void)close(fds[1]);
}

static void test_move(struct loop *l)
{
	struct end a, b = { .calls = 0 };
	int fds[2];
	char c;

	check_case("stream_move");
	pair_unix(fds);
	open_end(&a, l, fds[0]);
	stream_watch_read(&a.stream, true);
	run_turn(l);
	check(write(fds[1], "x", 1) == 1, "a byte");
	stream_move(&b.stream, &a.stream);
	check(!stream_is_open(&a.stream) && stream_is_open(&b.stream), "the other is the open one");
	check(fd_is_open(fds[0]) && b.stream.fd == fds[0], "with the same descriptor");
	check(stream_watches_read(&b.stream) && !stream_watches_read(&a.stream), "still armed");
	stream_close(&a.stream);
	run_until(l, &b.calls);
	check(a.calls == 0 && b.events == STREAM_READABLE, "the new place is told");
	check(stream_read(&b.stream, &c, 1) == 1 && c == 'x', "and reads");
	stream_move(&a.stream, &b.stream);
	stream_watch_read(&a.stream, false);
	stream_move(&b.stream, &a.stream);
	check(!stream_watches_read(&b.stream), "what is not armed does not become so");
	stream_close(&b.stream);
	(void)close(fds[1]);
}

static int freed;

static void on_ready_free(struct stream *s, int events)
{
	(void)events;
	freed++;
	stream_close(s);
	free(container_of(s, struct end, stream));
}

static void test_free(struct loop *l)
{
	struct end *a = calloc(1, sizeof(*a));
	int fds[2];

	check_case("a stream freed by its own callback");
	if (!check(a != NULL, "memory"))
		return;
	pair_unix(fds);
	plain_stream_open(&a->stream, l, fds[0], on_ready_free);
	check(write(fds[1], "x", 1) == 1, "a byte");
	stream_watch_read(&a->stream, true);
	stream_watch_write(&a->stream, true);
	run_until(l, &freed);
	run_turn(l);
	check(freed == 1, "is told once");
	(void)close(fds[1]);
}

static void test_reused_number(struct loop *l)
{
	struct end a, b;
	int fds[2];

	check_case("a descriptor's number used again");
	pair_unix(fds);
	open_end(&a, l, fds[0]);
	stream_watch_read(&a.stream, true);
	run_turn(l);
	stream_close(&a.stream);
	(void)close(fds[1]);
	int former = fds[0];
	pair_unix(fds);
	check(fds[0] == former, "it is the same number");
	open_end(&b, l, fds[0]);
	stream_watch_read(&b.stream, true);
	check(write(fds[1], "x", 1) == 1, "a byte");
	run_until(l, &b.calls);
	check(a.calls == 0, "only the new stream is told");
	stream_close(&b.stream);
	(void)close(fds[1]);
}

enum { TOLD = 3 };

struct told {
	struct stream streams[TOLD];
	int order[TOLD];
	int n;
	struct stream *victim; /* closed by whoever is told first */
};

static struct told told;

static void on_ready_note(struct stream *s, int events)
{
	(void)events;
	told.order[told.n++] = (int)(s - told.streams);
	stream_watch_read(s, false);
	if (told.victim != NULL)
		stream_close(told.victim);
}

/* Makes the streams readable in the order 1, 2, 0. */
static void tell_all(struct loop *l, int fds[TOLD][2])
{
	told.n = 0;
	for (int i = 0; i < TOLD; i++) {
		pair_unix(fds[i]);
		plain_stream_open(&told.streams[i], l, fds[i][0], on_ready_note);
		stream_watch_read(&told.streams[i], true);
	}
	run_turn(l);
	for (int i = 1; i <= TOLD; i++)
		check(write(fds[i % TOLD][1], "x", 1) == 1, "a byte");
	run_until(l, &told.n);
	for (int i = 0; i < TOLD; i++) {
		stream_close(&told.streams[i]);
		(void)close(fds[i][1]);
	}
}

static void test_order(struct loop *l)
{
	int fds[TOLD][2];

	check_case("several streams in one turn");
	told.victim = NULL;
	tell_all(l, fds);
	check(told.n == TOLD && told.order[0] == 1 && told.order[1] == 2 && told.order[2] == 0,
	      "are told in the order in which it happened");
	told.victim = &told.streams[2];
	tell_all(l, fds);
	check(told.n == TOLD - 1 && told.order[0] == 1 && told.order[1] == 0,
	      "one that is closed meanwhile is not told");
}

void net_stream_tests(struct loop *l)
{
	int free_fd = fd_lowest_free();

	test_io(l);
	test_closed(l);
	test_errors(l);
	test_full(l);
	test_both(l);
	test_calls(l);
	test_move(l);
	test_free(l);
	test_reused_number(l);
	test_order(l);
	check_case("streams");
	check(fd_lowest_free() == free_fd, "no descriptor is leaked");
}
