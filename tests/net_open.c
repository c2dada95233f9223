/* Opening streams: accepting and dialling, over sockets of the loopback. */
#include "net/stream_open.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net_support.h"

struct side {
	struct stream stream;
	struct stream_dialling dialling;
	int ready, opened; /* calls */
	bool is_open;
};

static void on_ready(struct stream *s, int events)
{
	(void)events;
	container_of(s, struct side, stream)->ready++;
}

static void on_open(struct stream *s, bool is_open)
{
	struct side *side = container_of(s, struct side, stream);

	side->opened++;
	side->is_open = is_open;
}

static const struct stream_owner owner = { .on_ready = on_ready, .on_open = on_open };

static enum stream_opened dial_to(struct side *d, struct loop *l, const struct addr *a)
{
	struct dial_goal goal = { .addrs = a, .count = 1, .timeout_ms = 10000 };

	*d = (struct side){ .ready = 0 };
	stream_init(&d->stream, l);
	return stream_dial(&d->stream, &d->dialling, &goal, NULL, &owner);
}

static void test_both_sides(struct loop *l)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t) "x", .iov_len = 1 };
	struct side client, server = { .ready = 0 };
	struct peer ours, theirs;
	struct addr a;
	int listening = listen_local(&a, 1);

	check_case("stream_dial and stream_accept");
	check(dial_to(&client, l, &a) == STREAM_OPEN, "on loopback it stands at once");
	check(addr_equal(stream_dial_winner(&client.dialling), &a), "to this address");
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	check(stream_accept(&server.stream, l, fd, NULL, &owner) == STREAM_OPEN, "so is the other side");
	stream_local(&client.stream, &ours);
	stream_peer(&server.stream, &theirs);
	check(ours.family == AF_INET && ours.port == theirs.port, "who know each other");
	stream_peer(&client.stream, &theirs);
	check(theirs.port == addr_port(&a), "by their addresses");
	stream_watch_read(&client.stream, true);
	check(stream_writev(&server.stream, &iov, 1, 0) == 1, "a byte");
	run_until(l, &client.ready);
	check(stream_has_input(&client.stream) && !stream_has_ended(&client.stream), "comes over");
	stream_close(&server.stream);
	check(stream_has_ended(&client.stream), "and the end, before the byte is read");
	check(client.opened == 0 && server.opened == 0, "on_open is not called for any of it");
	stream_close(&client.stream);
	(void)close(listening);
}

static void test_refused(struct loop *l)
{
	struct side d;
	struct addr a;

	check_case("stream_dial to a closed port");
	(void)close(listen_local(&a, 1));
	check(dial_to(&d, l, &a) == STREAM_FAILED && d.opened == 0, "fails at once");
	check(stream_failure(&d.stream).sys == ECONNREFUSED && !stream_is_open(&d.stream),
	      "and says why");
	stream_close(&d.stream);
}

/* Without a descriptor to take, until one is there. */
static void test_later(struct loop *l)
{
	struct rlimit usual, none;
	struct side d;
	struct addr a;
	int listening = listen_local(&a, 4);

	check_case("stream_dial that takes its time");
	check(getrlimit(RLIMIT_NOFILE, &usual) == 0, "the limit of files");
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = usual.rlim_max };
	check(setrlimit(RLIMIT_NOFILE, &none) == 0, "no more files");
	check(dial_to(&d, l, &a) == STREAM_OPENING, "is opening");
	check(stream_dial_lacks(&d.dialling) == EMFILE, "and says what it lacks");
	check(stream_dial_again(&d.dialling) == STREAM_OPENING, "that is still so");
	stream_dial_cancel(&d.dialling);
	stream_close(&d.stream);
	check(dial_to(&d, l, &a) == STREAM_OPENING && setrlimit(RLIMIT_NOFILE, &usual) == 0,
	      "another one finds some");
	run_until(l, &d.opened);
	check(d.is_open && d.opened == 1 && stream_is_open(&d.stream),
	      "and is told that it stands");
	stream_close(&d.stream);
	check(setrlimit(RLIMIT_NOFILE, &none) == 0 && dial_to(&d, l, &a) == STREAM_OPENING &&
		      setrlimit(RLIMIT_NOFILE, &usual) == 0,
	      "a third one");
	check(stream_dial_again(&d.dialling) == STREAM_OPEN && d.opened == 0,
	      "stands at once when it is told so");
	stream_close(&d.stream);
	(void)close(listening);
}

void net_open_tests(struct loop *l)
{
	int free_fd = fd_lowest_free();

	test_both_sides(l);
	test_refused(l);
	test_later(l);
	check_case("opening");
	check(fd_lowest_free() == free_fd, "no descriptor is leaked");
}
