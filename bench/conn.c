#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024, SKIP_FROM = 8192, EVENTS = 256, ERRORS_MAX = 1000 };

static char buffer[PART_MAX + BUFFER_BYTES];
static char zeros[BUFFER_BYTES];

int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void load_error(struct load *l, const char *what)
{
	if (!l->error)
		l->error = what;
	if (++l->errors >= ERRORS_MAX)
		l->stopping = true;
}

/* An object of n bytes whose first member is what a router looks for. */
static void fill_json(char *to, size_t n)
{
	static const char start[] = "{\"model\":\"small\",\"prompt\":\"";

	if (n < sizeof(start) + 2 || n > BUFFER_BYTES) {
		(void)fprintf(stderr, "load: no JSON of %zu bytes\n", n);
		exit(2);
	}
	memset(to, 'x', n);
	memcpy(to, start, sizeof(start) - 1);
	memcpy(to + n - 2, "\"}", 2);
}

void load_init(struct load *l)
{
	const struct options *o = &l->o;
	char head[4096], length[64] = "";
	int n;

	if (o->body > 0)
		(void)snprintf(length, sizeof(length), "Content-Length: %llu\r\n",
			       (unsigned long long)o->body);
	n = snprintf(head, sizeof(head),
		     "%s %s HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: load\r\nAccept: */*\r\n"
		     "%s%s%s%s\r\n",
		     o->body > 0 ? "POST" : "GET", o->path, length, o->header,
		     *o->header ? "\r\n" : "", o->close ? "Connection: close\r\n" : "");
	l->head_n = (size_t)n;
	l->request_n = o->body > 0 ? l->head_n + BUFFER_BYTES : l->head_n * o->depth;
	l->request = calloc(1, l->request_n);
	l->conns = calloc(o->connections, sizeof(*l->conns));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!l->request || !l->conns || l->epoll < 0 || (size_t)n >= sizeof(head)) {
		perror("load");
		exit(1);
	}
	for (unsigned i = 0; i < (o->body > 0 ? 1 : o->depth); i++)
		memcpy(l->request + i * l->head_n, head, l->head_n);
	if (o->json)
		fill_json(l->request + l->head_n, (size_t)o->body);
}

void conn_open(struct load *l, struct conn *c)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)l->o.port) };
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	struct timeval patience = { .tv_sec = 5 };
	int on = 1, fd;

	memset(&c->reader, 0, sizeof(c->reader));
	c->pending = 0;
	c->unsent = c->part_n = 0;
	c->waits = false;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->wire.fd = fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		load_error(l, "socket");
		return;
	}
	if (!l->o.close) {
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		load_error(l, "connect");
	if (l->o.tls != WIRE_PLAIN)
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	if (!wire_open(&c->wire, fd))
		load_error(l, "no memory for TLS");
	(void)epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e);
}

static void conn_reopen(struct load *l, struct conn *c)
{
	wire_close(&c->wire);
	if (l->stopping)
		return;
	conn_open(l, c);
	if (l->o.rate > 0)
		l->on_answer(l, NULL);
	else
		conn_send(l, c, l->o.depth);
}

static void conn_fail(struct load *l, struct conn *c, const char *what)
{
	load_error(l, what);
	conn_reopen(l, c);
}

static void conn_watch(struct load *l, struct conn *c, bool writing)
{
	struct epoll_event e = { .data.ptr = c };

	e.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
	if (c->waits != writing)
		(void)epoll_ctl(l->epoll, EPOLL_CTL_MOD, c->wire.fd, &e);
	c->waits = writing;
}

/* What goes out next: the end of the prepared requests, or a piece of the body. */
static const char *next_bytes(struct load *l, const struct conn *c, size_t *n)
{
	uint64_t total = l->head_n + l->o.body;

	*n = (size_t)c->unsent;
	if (l->o.body == 0)
		return l->request + (l->request_n - c->unsent);
	if (c->unsent == total) {
		*n = total < l->request_n ? (size_t)total : l->request_n;
		return l->request;
	}
	if (c->unsent > l->o.body) {
		*n = (size_t)(c->unsent - l->o.body);
		return l->request + (l->head_n - *n);
	}
	*n = c->unsent < sizeof(zeros) ? (size_t)c->unsent : sizeof(zeros);
	return zeros;
}

static void conn_flush(struct load *l, struct conn *c)
{
	while (c->unsent > 0) {
		size_t size;
		const char *p = next_bytes(l, c, &size);
		ssize_t n = wire_send(&c->wire, p, size, 0);

		if (n < 0 && errno == EAGAIN) {
			conn_watch(l, c, !c->wire.wants_read);
			return;
		}
		/* An error shows when reading: an answer may be there all the same. */
		if (n < 0)
			break;
		c->unsent -= (uint64_t)n;
		if (l->o.body > 0)
			l->moved += (uint64_t)n;
	}
	conn_watch(l, c, false);
}

void conn_send(struct load *l, struct conn *c, unsigned requests)
{
	c->pending += requests;
	c->unsent += l->o.body > 0 ? l->head_n + l->o.body : l->head_n * requests;
	conn_flush(l, c);
}

/* An answer is whole. */
static void conn_answered(struct load *l, struct conn *c)
{
	if (l->o.expect >= 0 && c->reader.body != (uint64_t)l->o.expect)
		load_error(l, "an answer of another length");
	c->pending--;
	c->active = true;
	l->answers++;
	if (l->o.rate > 0)
		l->on_answer(l, c);
}

/* Returns how many answers ended; -1: not HTTP. */
static int conn_parse(struct load *l, struct conn *c, const char *p, size_t n)
{
	int done = 0;

	while (n > 0) {
		size_t used;
		uint64_t before = c->reader.state == READER_HEAD ? 0 : c->reader.body;
		enum reader_result result = reader_feed(&c->reader, p, n, &used);

		if (result == READER_BAD || (result == READER_DONE && c->pending == 0))
			return -1;
		l->moved += c->reader.body - before;
		p += used;
		n -= used;
		if (result == READER_DONE) {
			conn_answered(l, c);
			done++;
		} else if (n > 0 && used == 0) {
			break;
		}
	}
	if (n > sizeof(c->part))
		return -1;
	memcpy(c->part, p, n);
	c->part_n = n;
	return done;
}

static void conn_next(struct load *l, struct conn *c, int done)
{
	if (done > 0 && (l->o.close || c->reader.close))
		conn_reopen(l, c);
	else if (done > 0 && l->o.rate == 0 && !l->stopping && !l->o.hold)
		conn_send(l, c, (unsigned)done);
}

/* Long bodies are dropped, in the kernel where they came in the clear. */
static ssize_t conn_skip(struct load *l, struct conn *c)
{
	size_t left = (size_t)c->reader.left - 1;
	ssize_t n = l->o.tls == WIRE_PLAIN
			    ? recv(c->wire.fd, NULL, left, MSG_TRUNC | MSG_DONTWAIT)
			    : wire_receive(&c->wire, buffer,
					   left < sizeof(buffer) ? left : sizeof(buffer));

	if (n > 0) {
		c->reader.left -= (uint64_t)n;
		c->reader.body += (uint64_t)n;
		l->moved += (uint64_t)n;
		c->active = true;
	}
	return n;
}

static ssize_t conn_receive(struct load *l, struct conn *c)
{
	size_t part = c->part_n;
	ssize_t n;
	int done;

	if (c->reader.state == READER_BODY && c->reader.left > SKIP_FROM)
		return conn_skip(l, c);
	n = wire_receive(&c->wire, buffer + part, sizeof(buffer) - part);
	if (n <= 0)
		return n;
	memcpy(buffer, c->part, part);
	c->part_n = 0;
	done = conn_parse(l, c, buffer, part + (size_t)n);
	if (done < 0)
		conn_fail(l, c, "an answer that is not 200, or not HTTP");
	else
		conn_next(l, c, done);
	return n;
}

void conn_ready(struct load *l, struct conn *c, unsigned events)
{
	ssize_t n;

	if ((events & EPOLLOUT) || c->wire.wants_read)
		conn_flush(l, c);
	if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return;
	do {
		n = conn_receive(l, c);
	} while (n > 0 && wire_has_more(&c->wire));
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	conn_fail(l, c, n == 0 ? "closed before the answer was whole" : "read error");
}

void load_turn(struct load *l, int64_t ns)
{
	struct epoll_event events[EVENTS];
	struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	int n = epoll_pwait2(l->epoll, events, EVENTS, &t, NULL);

	l->now_ns = now_ns();
	for (int i = 0; i < n; i++)
		conn_ready(l, events[i].data.ptr, events[i].events);
}
