#include "net_support.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TICK_S 0.005

enum { TICKS_MAX = 2000 };

static unsigned ctls;

/* In the place of libc's, for libev. */
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	ctls++;
	return (int)syscall(SYS_epoll_ctl, epfd, op, fd, event);
}

unsigned epoll_ctls(void)
{
	return ctls;
}

static void guard_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	(void)ev;
	(void)events;
	++*(int *)w->data;
}

bool run_until(struct loop *l, const int *done)
{
	ev_timer guard;
	int ticks = 0;

	loop_refresh_time(l);
	/* It ticks, for what happens at the end of a turn is followed by a sleep. */
	ev_timer_init(&guard, guard_cb, TICK_S, TICK_S);
	guard.data = &ticks;
	ev_timer_start(l->ev, &guard);
	while (!*done && ticks < TICKS_MAX)
		(void)ev_run(l->ev, EVRUN_ONCE);
	ev_timer_stop(l->ev, &guard);
	return check(*done != 0, "it happens within ten seconds");
}

void run_turn(struct loop *l)
{
	(void)ev_run(l->ev, EVRUN_NOWAIT);
}

void run_one(struct loop *l)
{
	ev_timer guard;
	int ticks = 0;

	loop_refresh_time(l);
	ev_timer_init(&guard, guard_cb, 10., 0.);
	guard.data = &ticks;
	ev_timer_start(l->ev, &guard);
	(void)ev_run(l->ev, EVRUN_ONCE);
	ev_timer_stop(l->ev, &guard);
	check(ticks == 0, "the loop does not sleep");
}

static void must(bool holds, const char *what)
{
	if (!check(holds, what)) {
		(void)check_report();
		exit(1);
	}
}

void pair_unix(int fds[2])
{
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0,
	     "a pair");
}

int listen_local(struct addr *a, int backlog)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(addr_of_ip(a, STR("127.0.0.1"), 0), "an address");
	must(fd >= 0 && bind(fd, &a->u.sa, a->len) == 0 && listen(fd, backlog) == 0, "a listener");
	must(getsockname(fd, &a->u.sa, &a->len) == 0, "its address");
	return fd;
}

void pair_tcp(int fds[2])
{
	struct addr a;
	int listening = listen_local(&a, 1);

	fds[0] = sock_connect_start(&a);
	must(fds[0] >= 0, "a connection");
	fds[1] = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	must(fds[1] >= 0, "an accepted connection");
	struct pollfd ready = { .fd = fds[0], .events = POLLOUT };
	must(poll(&ready, 1, 10000) == 1 && sock_connect_result(fds[0]) == 0, "connected");
	(void)close(listening);
}

bool fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

int fd_lowest_free(void)
{
	int fd = dup(STDIN_FILENO);

	(void)close(fd);
	return fd;
}
