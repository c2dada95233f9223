/*
 * Datagrams like small questions of DNS, and their answers.
 *
 * usage: udp origin PORTS          backends: print "ports A B …", answer each datagram
 *        udp load [OPTION]... PORT clients with one question under way each; prints one JSON object
 *          -c N  clients (16)      -s S  seconds measured (2)    -w S  seconds before that (0.5)
 *          -n N  so many questions instead of a time             -r R  questions a second (as many as go)
 *          -p P,P  processes whose CPU time is taken over the time measured
 *        udp flows -c N PORT       as many clients, each an address of 127.0.0.0/8, ask once; print
 *                                  "ready", wait for stdin's end, print one JSON object
 * Traffic goes to 127.0.0.1 only.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cpu.h"

enum {
	BATCH = 32,
	ROOM = 600,
	QUESTION = 33,
	ANSWER_MORE = 16,
	PORTS_MAX = 64,
	LOST_NS = 300000000,
};

static const char question[QUESTION] = "\0\1\1\0\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\1\0\1";

struct options {
	unsigned port, clients;
	double seconds, warm, rate;
	uint64_t count;
	struct cpu_pids pids;
};

struct client {
	int fd;
	bool waits;
	int64_t sent_ns;
};

struct load {
	struct options o;
	int epoll;
	struct client *clients;
	unsigned *idle, idle_n; /* clients without a question under way */
	int64_t next_ns;	/* when the next question is due, at a given rate */
	uint64_t answers, lost;
};

static int64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static struct sockaddr_in local(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

static int open_bound(unsigned port, int flags)
{
	struct sockaddr_in a = local(port);
	int fd = socket(AF_INET, SOCK_DGRAM | flags, 0);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0, "socket");
	return fd;
}

/* ---- backends ---- */

static void answer_all(int fd)
{
	static char bytes[BATCH][ROOM + ANSWER_MORE];
	struct mmsghdr m[BATCH];
	struct iovec pieces[BATCH];
	struct sockaddr_in from[BATCH];
	memset(m, 0, sizeof(m));
	for (int i = 0; i < BATCH; i++) {
		pieces[i] = (struct iovec){ bytes[i], ROOM };
		m[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
						.msg_namelen = sizeof(from[i]),
						.msg_iov = &pieces[i],
						.msg_iovlen = 1 };
	}
	int n = recvmmsg(fd, m, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		bytes[i][2] = (char)(bytes[i][2] | 0x80);
		pieces[i].iov_len = m[i].msg_len + ANSWER_MORE;
	}
	if (n > 0)
		(void)sendmmsg(fd, m, (unsigned)n, 0);
}

static int run_origin(unsigned n)
{
	struct pollfd fds[PORTS_MAX];
	int room = 4 * 1024 * 1024;
	must(n >= 1 && n <= PORTS_MAX, "origin: PORTS");
	(void)printf("ports");
	for (unsigned i = 0; i < n; i++) {
		struct sockaddr_in a;
		socklen_t len = sizeof(a);
		fds[i] = (struct pollfd){ .fd = open_bound(0, 0), .events = POLLIN };
		(void)setsockopt(fds[i].fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
		must(getsockname(fds[i].fd, (struct sockaddr *)&a, &len) == 0, "getsockname");
		(void)printf(" %u", ntohs(a.sin_port));
	}
	(void)printf("\n");
	(void)fflush(stdout);
	while (poll(fds, n, -1) >= 0) {
		for (unsigned i = 0; i < n; i++)
			if (fds[i].revents != 0)
				answer_all(fds[i].fd);
	}
	return 0;
}

/* ---- load ---- */

static void ask(struct load *l, unsigned at)
{
	struct client *c = &l->clients[at];
	c->waits = true;
	c->sent_ns = now_ns();
	(void)send(c->fd, question, QUESTION, 0); /* lost ones are asked again */
}

static void ask_next(struct load *l, unsigned at)
{
	if (l->o.rate > 0)
		l->idle[l->idle_n++] = at;
	else
		ask(l, at);
}

static void open_clients(struct load *l)
{
	struct sockaddr_in to = local(l->o.port);
	l->epoll = epoll_create1(0);
	l->clients = calloc(l->o.clients, sizeof(*l->clients));
	l->idle = calloc(l->o.clients, sizeof(*l->idle));
	must(l->epoll >= 0 && l->clients != NULL && l->idle != NULL, "load");
	for (unsigned i = 0; i < l->o.clients; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };
		l->clients[i].fd = open_bound(0, SOCK_NONBLOCK);
		must(connect(l->clients[i].fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect");
		must(epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->clients[i].fd, &e) == 0, "epoll");
		ask_next(l, i);
	}
	l->next_ns = now_ns();
}

/* How long nothing more is due. */
static int64_t pace(struct load *l, int64_t now)
{
	if (l->o.rate <= 0)
		return LOST_NS;
	while (l->idle_n > 0 && l->next_ns <= now) {
		ask(l, l->idle[--l->idle_n]);
		l->next_ns += (int64_t)(1e9 / l->o.rate);
	}
	return l->next_ns > now ? l->next_ns - now : LOST_NS;
}

static void take_answer(struct load *l, unsigned at)
{
	struct client *c = &l->clients[at];
	char bytes[ROOM];
	while (recv(c->fd, bytes, sizeof(bytes), 0) > 0) {
		l->answers += c->waits;
		if (c->waits)
			ask_next(l, at);
		if (c->waits && l->o.rate > 0)
			c->waits = false;
	}
}

static void look_for_lost(struct load *l, int64_t now)
{
	for (unsigned i = 0; i < l->o.clients; i++) {
		struct client *c = &l->clients[i];
		if (!c->waits || now - c->sent_ns < LOST_NS)
			continue;
		l->lost++;
		ask(l, i);
	}
}

static void run_until(struct load *l, int64_t end_ns)
{
	int64_t now = now_ns(), looked_ns = now;
	while (now < end_ns && (l->o.count == 0 || l->answers < l->o.count)) {
		struct epoll_event events[BATCH];
		int64_t gap = pace(l, now), left = end_ns - now;
		gap = gap < left ? gap : left;
		struct timespec wait = { gap / 1000000000, gap % 1000000000 };
		int n = epoll_pwait2(l->epoll, events, BATCH, &wait, NULL);
		for (int i = 0; i < n; i++)
			take_answer(l, events[i].data.u32);
		now = now_ns();
		if (now - looked_ns > LOST_NS / 3) {
			look_for_lost(l, now);
			looked_ns = now;
		}
	}
}

static int run_load(const struct options *o)
{
	struct load l = { .o = *o };
	l.o.count = 0;
	open_clients(&l);
	run_until(&l, now_ns() + (int64_t)(o->warm * 1e9));
	l.answers = l.lost = 0;
	l.o.count = o->count;
	struct cpu from = cpu_read(&o->pids);
	int64_t start = now_ns();
	l.next_ns = start;
	run_until(&l, start + (int64_t)(o->seconds * 1e9));
	double seconds = (double)(now_ns() - start) / 1e9;
	struct cpu to = cpu_read(&o->pids);
	(void)printf("{\"requests\":%llu,\"errors\":%llu,\"seconds\":%.4f,\"bytes\":%llu",
		     (unsigned long long)l.answers, (unsigned long long)l.lost, seconds,
		     (unsigned long long)l.answers * (2 * QUESTION + ANSWER_MORE));
	(void)printf(",\"cpu_ns\":%llu,\"user_ticks\":%llu,\"ticks\":%llu%s}\n",
		     (unsigned long long)(to.run_ns - from.run_ns),
		     (unsigned long long)(to.user_ticks - from.user_ticks),
		     (unsigned long long)(to.user_ticks - from.user_ticks + to.system_ticks -
					  from.system_ticks),
		     l.lost > 0 ? ",\"error\":\"questions were lost\"" : "");
	return l.lost > 0;
}

/* ---- flows ---- */

/* From 127.1.0.0 on, all through one socket: the system has room for one, not for thousands. */
static void ask_from(int fd, const struct sockaddr_in *to, uint32_t number)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = { 0 };
	struct iovec piece = { (void *)(uintptr_t)question, QUESTION };
	struct msghdr m = { .msg_name = (void *)(uintptr_t)to,
			    .msg_namelen = sizeof(*to),
			    .msg_iov = &piece,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(0x7f010000 + number) };
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	must(sendmsg(fd, &m, 0) >= 0, "sendmsg");
}

static bool await_answer(int fd)
{
	char bytes[ROOM];
	struct pollfd look = { .fd = fd, .events = POLLIN };
	return poll(&look, 1, 2000) == 1 && recv(fd, bytes, sizeof(bytes), 0) > 0;
}

static int run_flows(const struct options *o)
{
	struct sockaddr_in to = local(o->port), any = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long long errors = 0;
	must(fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0, "socket");
	for (unsigned at = 0; at < o->clients && errors < BATCH; at += BATCH) {
		unsigned n = o->clients - at < BATCH ? o->clients - at : BATCH;
		for (unsigned i = 0; i < n; i++)
			ask_from(fd, &to, at + i);
		for (unsigned i = 0; i < n; i++)
			errors += !await_answer(fd);
	}
	(void)printf("ready\n");
	(void)fflush(stdout);
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	(void)poll(&in, 1, -1);
	(void)printf("{\"errors\":%llu}\n", errors);
	return errors > 0;
}

/* ---- options ---- */

static void set_option(struct options *o, int option, const char *value)
{
	if (option == 'c')
		o->clients = (unsigned)strtoul(value, NULL, 10);
	else if (option == 's')
		o->seconds = strtod(value, NULL);
	else if (option == 'w')
		o->warm = strtod(value, NULL);
	else if (option == 'n')
		o->count = strtoull(value, NULL, 10);
	else if (option == 'r')
		o->rate = strtod(value, NULL);
	else if (option == 'p')
		cpu_parse(&o->pids, value);
	else
		exit(2);
}

int main(int argc, char **argv)
{
	struct options o = { .clients = 16, .seconds = 2, .warm = 0.5 };
	const char *what = argc > 2 ? argv[1] : "";
	int option;
	(void)prctl(PR_SET_PDEATHSIG, 15);
	(void)prctl(PR_SET_TIMERSLACK, 1);
	optind = 2;
	while (argc > 2 && (option = getopt(argc, argv, "c:s:w:n:r:p:")) != -1)
		set_option(&o, option, optarg);
	if (argc - optind != 1 || o.clients == 0) {
		(void)fprintf(stderr, "usage: udp origin PORTS, udp load|flows [OPTION]... PORT\n");
		return 2;
	}
	o.port = (unsigned)strtoul(argv[optind], NULL, 10);
	if (strcmp(what, "origin") == 0)
		return run_origin(o.port);
	return strcmp(what, "flows") == 0 ? run_flows(&o) : run_load(&o);
}
