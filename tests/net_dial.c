#include "net/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Dials to the end of it, whether at once or later. */
static int dial_all(struct call *c, struct loop *l, const struct addr *addrs, unsigned count)
{
	*c = (struct call){ .fd = -2 };
	if (dial_start(&c->dial, l, addrs, count, on_done, &c->fd)) {
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
	check(fd >= 0 && c.dial.next == 2, "the next address is tried, and no further one");
	(void)close(fd);
	check(dial_all(&c, l, addrs, 0) == -1 && c.dial.sys != 0, "no address is a failure");
	addrs[2] = addrs[0];
	addrs[1] = addrs[0];
	check(dial_all(&c, l, addrs, 3) == -1 && c.dial.next == 3, "all are tried");
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
static void test_cancel(struct loop *l)
{
	struct dial never = { 0 };
	struct addr a;
	struct call c = { .fd = -2 };
	int fillers[4], listening = listen_local(&a, 0);

	check_case("dial_cancel");
	dial_cancel(&never);
	check(fd_is_open(0), "harmless on a zeroed one");
	for (unsigned i = 0; i < countof(fillers); i++)
		fillers[i] = sock_connect_start(&a);
	int free_fd = fd_lowest_free();
	check(!dial_start(&c.dial, l, &a, 1, on_done, &c.fd), "in progress");
	run_turn(l);
	dial_cancel(&c.dial);
	dial_cancel(&c.dial);
	check(fd_lowest_free() == free_fd, "the descriptor is closed");
	run_turn(l);
	check(c.done == 0, "nobody is called");
	for (unsigned i = 0; i < countof(fillers); i++)
		(void)close(fillers[i]);
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
	if (dial_start(&c->dial, l, &a, 1, on_done_free, &fd))
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
	test_cancel(l);
	test_free(l);
	check_case("dialling");
	check(fd_lowest_free() == free_fd, "no descriptor is leaked");
}
