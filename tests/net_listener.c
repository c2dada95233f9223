#include "net/listener.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "net/bind.h"
#include "net_support.h"

enum { CLIENTS = 100 };

struct door {
	struct listener listener;
	struct addr addr;
	int accepted[CLIENTS + 1];
	int count;
	int stop_at;  /* on_accept stops the listener there */
	int capacity; /* may_accept says no from there */
	struct peer peer;
};

static void on_accept(struct listener *l, int fd, const struct peer *peer)
{
	struct door *d = l->owner;

	d->accepted[d->count++] = fd;
	d->peer = *peer;
	if (d->count == d->stop_at)
		listener_stop(l);
}

static bool may_accept(struct listener *l)
{
	struct door *d = l->owner;

	return d->count < d->capacity;
}

static void door_open(struct door *d, struct loop *l)
{
	struct error e;
	int fd;

	*d = (struct door){ .stop_at = -1, .capacity = CLIENTS };
	(void)addr_of_ip(&d->addr, STR("127.0.0.1"), 0);
	if (!check(bind_open(&d->addr, 1, false, &fd, &e) == ERR_OK, "bound"))
		exit(check_report());
	listener_init(&d->listener, l, fd);
	d->listener.owner = d;
	d->listener.on_accept = on_accept;
}

static void door_close(struct door *d)
{
	listener_stop(&d->listener);
	(void)close(d->listener.fd);
	while (d->count > 0)
		(void)close(d->accepted[--d->count]);
}

static void connect_many(const struct door *d, int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		fds[i] = sock_connect_start(&d->addr);
		check(fds[i] >= 0, "a client");
	}
}

static void close_many(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		(void)close(fds[i]);
}

static void test_accept(struct loop *l)
{
	struct door d;
	struct addr local = { .len = sizeof(local.u) };
	struct peer expected;
	int client, on = 0;
	socklen_t len = sizeof(on);

	check_case("accepting");
	door_open(&d, l);
	listener_start(&d.listener);
	listener_start(&d.listener);
	connect_many(&d, &client, 1);
	run_until(l, &d.count);
	int fd = d.accepted[0];
	check((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, "not blocking");
	check((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "closed on exec");
	check(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0 && on != 0,
	      "TCP_NODELAY is inherited");
	check(getsockname(client, &local.u.sa, &local.len) == 0, "the client's address");
	peer_of_addr(&expected, &local);
	check(memcmp(&expected, &d.peer, sizeof(expected)) == 0, "is the peer's");
	close_many(&client, 1);
	door_close(&d);
}

static void test_batch(struct loop *l)
{
	struct door d;
	int clients[CLIENTS];

	check_case("a batch");
	door_open(&d, l);
	connect_many(&d, clients, CLIENTS);
	listener_start(&d.listener);
	run_turn(l);
	check(d.count == 1, "not for one alone");
	for (unsigned turns = 0; d.count < 64 && turns < 8; turns++)
		run_turn(l);
	check(d.count > 64 && d.count < CLIENTS, "is 64 a wake-up when they come in a row");
	for (unsigned turns = 0; d.count < CLIENTS && turns < 8; turns++)
		run_turn(l);
	check(d.count == CLIENTS, "the others come next");
	close_many(clients, CLIENTS);
	door_close(&d);
}

static void test_capacity(struct loop *l)
{
	struct door d;
	int clients[5];

	check_case("may_accept");
	door_open(&d, l);
	d.listener.may_accept = may_accept;
	d.capacity = 2;
	connect_many(&d, clients, 5);
	listener_start(&d.listener);
	for (unsigned turns = 0; turns < 3; turns++)
		run_turn(l);
	check(d.count == 2, "no more than there is room for");
	check(!ev_is_active(&d.listener.reader), "it stopped");
	d.capacity = 4;
	listener_start(&d.listener);
	d.stop_at = 3;
	run_turn(l);
	check(d.count == 3, "stopped by on_accept in the middle of a batch");
	listener_start(&d.listener);
	run_turn(l);
	check(d.count == 4, "and started again");
	close_many(clients, 5);
	door_close(&d);
}

/* A pipe in the place of stderr, so that the log can be read. */
static int stderr_capture(int *saved)
{
	int ends[2];

	if (!check(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "a pipe"))
		exit(check_report());
	*saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
	(void)dup2(ends[1], STDERR_FILENO);
	(void)close(ends[1]);
	return ends[0];
}

static int count_lines(int fd, const char *containing)
{
	static char text[8192];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	int count = 0;

	text[n > 0 ? n : 0] = '\0';
	for (const char *p = text; (p = strstr(p, containing)) != NULL; p++)
		count++;
	return count;
}

static void test_shortage(struct loop *l)
{
	struct rlimit before, few;
	struct door d;
	int client, saved;

	check_case("no descriptors left");
	door_open(&d, l);
	connect_many(&d, &client, 1);
	int log = stderr_capture(&saved);
	(void)getrlimit(RLIMIT_NOFILE, &before);
	few = before;
	few.rlim_cur = (rlim_t)fd_lowest_free();
	check(setrlimit(RLIMIT_NOFILE, &few) == 0, "the limit is lowered");
	listener_start(&d.listener);
	run_turn(l);
	check(ev_is_active(&d.listener.pause) && !ev_is_active(&d.listener.reader), "it pauses");
	listener_start(&d.listener);
	check(!ev_is_active(&d.listener.reader), "starting does not end the pause");
	int passed = 0;
	while (passed < 2 && ev_is_active(&d.listener.pause)) { /* two pauses go by */
		(void)ev_run(l->ev, EVRUN_ONCE);
		passed += ev_is_active(&d.listener.pause) != 0;
	}
	check(d.count == 0, "nothing is accepted");
	check(setrlimit(RLIMIT_NOFILE, &before) == 0, "the limit is raised");
	run_until(l, &d.count);
	check(count_lines(log, "cannot accept connections: out of file descriptors") == 1,
	      "the log says so once a second");
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	(void)close(log);
	close_many(&client, 1);
	door_close(&d);
}

void net_listener_tests(struct loop *l)
{
	int free_fd = fd_lowest_free();

	test_accept(l);
	test_batch(l);
	test_capacity(l);
	test_shortage(l);
	check_case("listeners");
	check(fd_lowest_free() == free_fd, "no descriptor is leaked");
}
