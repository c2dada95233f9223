#include "net/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net_support.h"

struct call {
	struct dial dial;
	int done, fd;
};

static void on_done(struct dial *d, int fd)
{
	struct call *c = container_of(d, struct call, dial);

	c->done++;
	c->fd = fd;
}

static bool start(struct call *c, struct loop *l, const struct addr *addrs, unsigned count)
{
	struct dial_goal goal = { .addrs = addrs, .count = count, .timeout_ms = 400 };

	*c = (struct call){ .fd = -2 };
	return dial_start(&c->dial, l, &goal, on_done, &c->fd);
}

/* Dials to the end of it, whether at once or later. */
static int dial_all(struct call *c, struct loop *l, const struct addr *addrs, unsigned count)
{
	if (start(c, l, addrs, count)) {
		check(c->done == 0, "decided at once: no call");
		return c->fd;
	}
	run_until(l, &c->done);
	return c->fd;
}

/* An address of the loopback on which nobody listens: bound, so that nobody else does. */
static int refusing(struct addr *a)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)addr_of_ip(a, STR("127.0.0.1"), 0);
	check(bind(fd, &a->u.sa, a->len) == 0, "bound");
	check(getsockname(fd, &a->u.sa, &a->len) == 0, "its address");
	return fd;
}

static void test_turns(struct loop *l)
{
	struct addr addrs[3];
	struct call c;
	int on = 0;
	socklen_t len = sizeof(on);
	int nobody = refusing(&addrs[0]), listening = listen_local(&addrs[1], 8);

	check_case("dial");
	addrs[2] = addrs[1];
	int fd = dial_all(&c, l, &addrs[1], 1);
	check(fd >= 0 && sock_connect_result(fd) == 0, "a connection");
	check(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0 && on != 0, "TCP_NODELAY");
	(void)close(fd);
	check(dial_all(&c, l, addrs, 1) == -1, "refused");
	check(c.dial.sys == ECONNREFUSED, "with the reason");
	fd = dial_all(&c, l, addrs, 3);
	check(fd >= 0 && c.dial.last == 1, "the next address is tried, and no further one");
	(void)close(fd);
	check(dial_all(&c, l, addrs, 0) == -1 && c.dial.sys != 0, "no address is a failure");
	addrs[2] = addrs[0];
	addrs[1] = addrs[0];
	check(dial_all(&c, l, addrs, 3) == -1 && c.dial.last == 2, "all are tried");
	dial_cancel(&c.dial);
	(void)close(nobody);
	(void)close(listening);
}

static void test_unix(struct loop *l)
{
	char path[] = "/tmp/net_dial.XXXXXX", text[64];
	struct addr a;
	struct call c;

	check_case("dial a unix socket");
	int fd = mkstemp(path); /* a file, hence no socket */
	(void)snprintf(text, sizeof(text), "unix:%s", path);
	check(fd >= 0 && addr_parse(&a, str_of(text), NULL) == ERR_OK, "a path");
	check(dial_all(&c, l, &a, 1) == -1 && c.done == 0, "fails at once");
	check(c.dial.sys == ECONNREFUSED, "refused");
	(void)close(fd);
	(void)unlink(path);
	check(dial_all(&c, l, &a, 1) == -1 && c.dial.sys == ENOENT, "nothing there");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(bind(fd, &a.u.sa, a.len) == 0 && listen(fd, 1) == 0, "somebody listens");
	int client = dial_all(&c, l, &a, 1);
	check(client >= 0 && c.done == 0, "connected at once");
	(void)close(client);
	(void)close(fd);
	(void)unlink(path);
}

/* A listener whose queue is full lets SYNs go unanswered. */
static int silent(struct addr *a, int fillers[4])
{
	int fd = listen_local(a, 0);

	for (unsigned i = 0; i < 4; i++)
		fillers[i] = sock_connect_start(a);
	return fd;
}

static void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		(void)close(fds[i]);
}

static void test_stagger(struct loop *l)
{
	struct addr addrs[3];
	struct call c;
	int fillers[2][4];

	check_case("dial beside an address that does not answer");
	int fds[] = { silent(&addrs[0], fillers[0]), silent(&addrs[1], fillers[1]),
		      listen_local(&addrs[2], 8) };
	int free_fd = fd_lowest_free();
	loop_refresh_time(l);
	int64_t begun_ms = loop_now_ms(l);
	int fd = dial_all(&c, l, addrs, 3);
	loop_refresh_time(l);
	int64_t took_ms = loop_now_ms(l) - begun_ms;
	check(fd >= 0 && addr_equal(dial_winner(&c.dial), &addrs[2]), "the one that stands wins");
	check(took_ms >= 250, "after two shares of the time");
	(void)close(fd);
	check(fd_lowest_free() == free_fd, "the others are closed");
	struct dial_goal goal = { .addrs = addrs, .count = 3, .first = 2, .timeout_ms = 400 };
	check(dial_start(&c.dial, l, &goal, on_done, &fd) && fd >= 0, "first, if it is told so");
	(void)close(fd);
	close_all(fds, countof(fds));
	close_all(fillers[0], countof(fillers[0]));
	close_all(fillers[1], countof(fillers[1]));
}

static void test_full_unix(struct loop *l)
{
	char path[] = "/tmp/net_dial.XXXXXX", text[64];
	struct addr a;
	struct call c;
	int queued[3];

	check_case("dial a unix socket whose queue is full");
	(void)close(mkstemp(path));
	(void)unlink(path);
	(void)snprintf(text, sizeof(text), "unix:%s", path);
	check(addr_parse(&a, str_of(text), NULL) == ERR_OK, "a path");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(bind(fd, &a.u.sa, a.len) == 0 && listen(fd, 0) == 0, "somebody listens");
	for (unsigned i = 0; i < countof(queued); i++)
		queued[i] = sock_connect_start(&a);
	check(!start(&c, l, &a, 1) && dial_lacks(&c.dial) == 0, "waits, and not for us");
	int accepted = accept(fd, NULL, NULL);
	run_until(l, &c.done);
	check(c.fd >= 0, "connected when there is room");
	(void)close(c.fd);
	(void)close(accepted);
	(void)close(fd);
	for (unsigned i = 0; i < countof(queued); i++) {
		if (queued[i] >= 0)
			(void)close(queued[i]);
	}
	(void)unlink(path);
}

static void test_short_of_files(struct loop *l)
{
	struct rlimit usual, none;
	struct addr a;
	struct call c;
	int listening = listen_local(&a, 8);

	check_case("dial without a free descriptor");
	check(getrlimit(RLIMIT_NOFILE, &usual) == 0, "the limit");
	none = (struct rlimit){ (rlim_t)fd_lowest_free(), usual.rlim_max };
	check(setrlimit(RLIMIT_NOFILE, &none) == 0, "nothing is left");
	check(!start(&c, l, &a, 1) && dial_lacks(&c.dial) == EMFILE, "waits, and says for what");
	run_turn(l);
	check(c.done == 0, "goes on waiting");
	check(setrlimit(RLIMIT_NOFILE, &usual) == 0, "there are some again");
	run_until(l, &c.done);
	check(c.fd >= 0, "connected");
	(void)close(c.fd);
	check(setrlimit(RLIMIT_NOFILE, &none) == 0 && !start(&c, l, &a, 1), "again");
	check(setrlimit(RLIMIT_NOFILE, &usual) == 0 && dial_again(&c.dial, &c.fd), "told so");
	(void)close(c.fd);
	(void)close(listening);
}

static void test_cancel(struct loop *l)
{
	struct dial never = { 0 };
	struct addr a;
	struct call c = { .fd = -2 };
	int fillers[4], listening = silent(&a, fillers);

	check_case("dial_cancel");
	dial_cancel(&never);
	check(fd_is_open(0), "harmless on a zeroed one");
	int free_fd = fd_lowest_free();
	check(!start(&c, l, &a, 1), "in progress");
	run_turn(l);
	dial_cancel(&c.dial);
	dial_cancel(&c.dial);
	check(fd_lowest_free() == free_fd, "the descriptor is closed");
	run_turn(l);
	check(c.done == 0, "nobody is called");
	close_all(fillers, countof(fillers));
	(void)close(listening);
}

static int freed;

static void on_done_free(struct dial *d, int fd)
{
	freed++;
	(void)close(fd);
	free(container_of(d, struct call, dial));
}

static void test_free(struct loop *l)
{
	struct call *c = calloc(1, sizeof(*c));
	struct addr a;
	int fd, listening = listen_local(&a, 1);

	check_case("dial freed by on_done");
	if (!check(c != NULL, "memory"))
		return;
	struct dial_goal goal = { .addrs = &a, .count = 1, .timeout_ms = 1000 };
	if (dial_start(&c->dial, l, &goal, on_done_free, &fd))
		on_done_free(&c->dial, fd);
	else
		run_until(l, &freed);
	check(freed == 1, "once");
	(void)close(listening);
}

void net_dial_tests(struct loop *l)
{
	int free_fd = fd_lowest_free();

	test_turns(l);
	test_unix(l);
	test_stagger(l);
	test_full_unix(l);
	test_short_of_files(l);
	test_cancel(l);
	test_free(l);
	check_case("dialling");
	check(fd_lowest_free() == free_fd, "no descriptor is leaked");
}
