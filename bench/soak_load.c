/*
 * usage: soak_load [-c CLIENTS] [-s SECONDS | -n REQUESTS] [-r SEED] PORT
 *
 * Clients of many kinds, good and bad, at 127.0.0.1:PORT. Prints what became of the requests; ends
 * with 1 when somebody got what he should not have got, or waited in vain.
 */
#define _GNU_SOURCE
#include "soak_load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURN_MS = 20, PATIENCE_MS = 20000, WRONG_MAX = 10, READ_BYTES = 64 * 1024, EVENTS = 256 };

struct client {
	int fd; /* -1: none */
	bool is_done, server_closes;
	uint32_t events; /* of epoll */
	struct plan plan;
	unsigned at; /* the request whose answer comes next */
	size_t sent, received;
	int64_t since_ms;
	struct answer answer;
};

static struct options {
	unsigned clients, port;
	uint64_t requests, seed;
	double seconds;
} options = { .clients = 160, .seconds = 20, .seed = 1 };

static int epoll_fd;
static bool stopping;
static uint64_t seed, connections, left, lost, verdicts[VERDICTS];

static uint64_t requests(void)
{
	uint64_t sum = left;

	for (int v = 0; v < VERDICTS; v++)
		sum += verdicts[v];
	return sum;
}

static void complain(const struct client *c, const char *what)
{
	const struct request *r = &c->plan.requests[c->at < c->plan.count ? c->at : 0];

	(void)fprintf(stderr,
		      "soak: %s: request %u of %u, /%c/%llu/%zu, wanted %u; sent %zu of %zu; "
		      "status %u, %s%llu bytes, token %llu\n",
		      what, c->at + 1, c->plan.count, r->kind, (unsigned long long)r->token,
		      r->size, r->status, c->sent, c->plan.n, c->answer.status,
		      c->answer.is_right ? "" : "not its own ", (unsigned long long)c->answer.got,
		      (unsigned long long)c->answer.token);
	if (++verdicts[WRONG] >= WRONG_MAX)
		stopping = true;
}

/* ---- a connection ---- */

/* From many addresses, so that ports do not run out while closed connections wait. */
static void client_connect(struct client *c)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)options.port) };
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	from.sin_addr.s_addr = htonl(0x7f000000U | (uint32_t)(2 + connections++ % 65000));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS)) {
		perror("soak: connect");
		exit(1);
	}
	c->events = EPOLLIN;
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e);
}

static void watch(struct client *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	if (c->events != events)
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
	c->events = events;
}

static void client_close(struct client *c)
{
	struct linger l = { .l_onoff = 1 };

	if (c->plan.resets)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	(void)close(c->fd);
	c->fd = -1;
}

static void client_begin(struct client *c);

static void client_end(struct client *c, bool keeps)
{
	if (!keeps)
		client_close(c);
	if (!stopping)
		client_begin(c);
	else if (c->fd >= 0)
		client_close(c);
	c->is_done = c->fd < 0;
}

static void client_leave(struct client *c)
{
	left += c->at < c->plan.count;
	client_end(c, false);
}

/* ---- sending ---- */

static bool client_flush(struct client *c)
{
	const struct plan *p = &c->plan;
	size_t end = p->n < p->stop_sending ? p->n : p->stop_sending;

	while (c->sent < end && !c->server_closes) {
		size_t n = end - c->sent < p->piece ? end - c->sent : p->piece;
		ssize_t done = send(c->fd, p->bytes + c->sent, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (done < 0 && errno != EAGAIN && errno != ENOTCONN)
			break; /* reading tells */
		if (done > 0)
			c->sent += (size_t)done;
		if (done < 0 || (c->sent < end && n == p->piece)) {
			watch(c, c->events | EPOLLOUT);
			return true;
		}
	}
	watch(c, c->events & ~(uint32_t)EPOLLOUT);
	if (c->sent == p->stop_sending && p->leaves) {
		client_leave(c);
		return false;
	}
	return true;
}

static void client_begin(struct client *c)
{
	plan_make(&c->plan, &seed);
	c->at = 0;
	c->sent = c->received = 0;
	c->server_closes = false;
	c->since_ms = soak_now_ms();
	answer_init(&c->answer);
	if (c->fd < 0)
		client_connect(c);
	watch(c, c->plan.nap_ms > 0 ? EPOLLOUT : EPOLLIN | EPOLLOUT);
}

/* ---- reading ---- */

static void judge(struct client *c, bool ended)
{
	const struct request *r = &c->plan.requests[c->at];
	enum verdict v = answer_judge(&c->answer, r, ended, c->plan.stop_sending != NO_LIMIT);

	if (v == WRONG) {
		complain(c, ended ? "a wrong answer" : "no whole answer");
		return;
	}
	verdicts[v]++;
	if ((v == EXCUSED || v == CUT) && c->plan.stop_sending == NO_LIMIT &&
	    soak_is_any(r->kind, "gcikuesya"))
		lost++;
}

/* True: the connection goes on. */
static bool take(struct client *c, const char *p, size_t n)
{
	while (n > 0) {
		size_t used;

		if (c->at == c->plan.count || c->server_closes) {
			complain(c, "bytes that nobody asked for");
			return false;
		}
		switch (answer_feed(&c->answer, &c->plan.requests[c->at], p, n, &used)) {
		case ANSWER_MORE:
			break;
		case ANSWER_BAD:
			complain(c, "not an HTTP answer");
			return false;
		case ANSWER_DONE:
			judge(c, true);
			c->server_closes = c->answer.closes;
			c->at++;
			answer_init(&c->answer);
		}
		p += used;
		n -= used;
	}
	return true;
}

static void ended(struct client *c, bool cleanly)
{
	if (c->at < c->plan.count && !c->server_closes)
		judge(c, cleanly && answer_ends(&c->answer));
	client_end(c, false);
}

static void client_read(struct client *c)
{
	static char bytes[READ_BYTES];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		ended(c, n == 0);
		return;
	}
	c->received += (size_t)n;
	if (!take(c, bytes, (size_t)n))
		client_end(c, false);
	else if (c->received >= c->plan.stop_reading)
		client_leave(c);
	else if (c->at == c->plan.count && !c->server_closes)
		client_end(c, c->plan.keeps && c->sent == c->plan.n);
}

/* ---- all of them ---- */

static void look(struct client *c, int64_t now)
{
	if (c->is_done)
		return;
	if ((c->events & EPOLLIN) == 0 && now - c->since_ms >= c->plan.nap_ms)
		watch(c, c->events | EPOLLIN);
	if (now - c->since_ms > PATIENCE_MS) {
		complain(c, "stalled");
		client_end(c, false);
	}
}

static unsigned turn(struct client *clients, int64_t *last)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(epoll_fd, events, EVENTS, TURN_MS);
	int64_t now = soak_now_ms();
	unsigned alive = 0;

	for (int i = 0; i < n; i++) {
		struct client *c = events[i].data.ptr;

		if ((events[i].events & EPOLLOUT) && !client_flush(c))
			continue;
		if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && c->fd >= 0)
			client_read(c);
	}
	if (now - *last < TURN_MS && !stopping)
		return 1;
	*last = now;
	for (unsigned i = 0; i < options.clients; i++) {
		look(&clients[i], now);
		alive += !clients[i].is_done;
	}
	return alive;
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "c:s:n:r:")) != -1) {
		if (option == 'c')
			options.clients = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 's')
			options.seconds = strtod(optarg, NULL);
		else if (option == 'n')
			options.requests = strtoull(optarg, NULL, 10);
		else if (option == 'r')
			options.seed = strtoull(optarg, NULL, 10);
		else
			exit(2);
	}
	if (argc - optind != 1 || options.clients == 0)
		exit(2);
	options.port = (unsigned)strtoul(argv[optind], NULL, 10);
}

static bool is_time(int64_t start, int64_t now)
{
	return options.requests > 0 ? requests() >= options.requests
				    : (double)(now - start) / 1000 >= options.seconds;
}

int main(int argc, char **argv)
{
	struct client *clients;
	int64_t start = soak_now_ms(), last = start;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	read_options(argc, argv);
	seed = options.seed;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	clients = calloc(options.clients, sizeof(*clients));
	for (unsigned i = 0; i < options.clients; i++) {
		clients[i].fd = -1;
		clients[i].plan.bytes = malloc(PLAN_BYTES);
		client_begin(&clients[i]);
	}
	while (turn(clients, &last) > 0)
		stopping = stopping || is_time(start, last);
	(void)printf("%llu requests on %llu connections in %.1f s, seed %llu: %llu good, %llu "
		     "refused, %llu 502 to 504, %llu cut, %llu left by the client; %llu good ones "
		     "lost with a dying backend; %llu wrong\n",
		     (unsigned long long)requests(), (unsigned long long)connections,
		     (double)(soak_now_ms() - start) / 1000, (unsigned long long)options.seed,
		     (unsigned long long)verdicts[GOOD], (unsigned long long)verdicts[REFUSED],
		     (unsigned long long)verdicts[EXCUSED], (unsigned long long)verdicts[CUT],
		     (unsigned long long)left, (unsigned long long)lost,
		     (unsigned long long)verdicts[WRONG]);
	return verdicts[WRONG] > 0 || lost * 20 > verdicts[GOOD];
}
