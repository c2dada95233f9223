/*
 * The backends of the soak: SOAK_PORTS ports, behaving as each request asks (soak.h); the first one
 * dies now and then. What should never come from a balancer (a refused request, somebody else's
 * body, bytes behind a request) is complained about on stderr.
 *
 * usage: soak_origin prints "ports P P P P" when it listens; ends with its parent or by SIGTERM
 */
#define _GNU_SOURCE
#include "soak.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	IN_BYTES = 64 * 1024,
	FDS = 65536,
	EVENTS = 256,
	ALIVE_MS = 2000,
	DEAD_MS = 200,
	SLOW_MS = 20,
	TURN_MS = 20,
};

enum conn_state { ON_HEAD, ON_BODY, ON_ANSWER, ON_SILENCE };
enum after { THEN_NEXT, THEN_CLOSE, THEN_RESET };

struct conn {
	int fd;
	int port; /* index */
	enum conn_state state;
	enum after after;
	char *in;
	size_t in_n;
	/* the request */
	char kind;
	bool is_head, is_chunked;
	uint64_t token, left, at;
	size_t size;
	struct soak_chunks chunks;
	/* the answer */
	char *out;
	size_t out_n, out_at, out_first; /* out_first: no more than this before wake_ms */
	int64_t wake_ms;
};

static int epoll_fd;
static int listeners[SOAK_PORTS];
static uint16_t ports[SOAK_PORTS];
static struct conn *conns[FDS];
static uint64_t seed = 1;

static void complain(const struct conn *c, const char *what)
{
	(void)fprintf(stderr, "origin: %s (/%c/%llu/%zu)\n", what, c->kind,
		      (unsigned long long)c->token, c->size);
}

static void conn_close(struct conn *c, bool reset)
{
	struct linger l = { .l_onoff = 1 };

	if (reset)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	conns[c->fd] = NULL;
	(void)close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static void watch(const struct conn *c, bool writing)
{
	struct epoll_event e = { .data.fd = c->fd };

	e.events = writing ? EPOLLIN | EPOLLOUT : EPOLLIN;
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

/* ---- answers ---- */

static void put(struct conn *c, const char *bytes, size_t n)
{
	memcpy(c->out + c->out_n, bytes, n);
	c->out_n += n;
}

static void put_chunks(struct conn *c, const char *body)
{
	size_t at = 0;

	while (at < c->size) {
		size_t left = c->size - at, n = 16 + soak_dice(&seed, 8192);
		char line[32];

		if (left < n)
			n = left;
		put(c, line, (size_t)snprintf(line, sizeof(line), "%zx\r\n", n));
		put(c, body + at, n);
		put(c, "\r\n", 2);
		at += n;
	}
	if (c->kind == 'c')
		put(c, "0\r\nX-Sum: 1\r\n\r\n", 15);
}

static void put_head(struct conn *c)
{
	char head[512];
	int n = snprintf(head, sizeof(head), "%sHTTP/1.1 200 OK\r\nX-Token: %llu\r\n",
			 c->kind == 'i' ? "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" : "",
			 (unsigned long long)c->token);

	put(c, head, (size_t)n);
	if (c->kind == 'c' || c->kind == 'd')
		n = snprintf(head, sizeof(head), "Transfer-Encoding: chunked\r\n\r\n");
	else if (c->kind == 'u')
		n = snprintf(head, sizeof(head), "Connection: close\r\n\r\n");
	else
		n = snprintf(head, sizeof(head), "Content-Length: %zu\r\n%s\r\n",
			     c->size + (c->kind == 't' ? 100 : 0),
			     c->kind == 'k' ? "Connection: close\r\n" : "");
	put(c, head, (size_t)n);
}

static void put_answer(struct conn *c)
{
	c->out = malloc(c->size * 2 + 4096); /* what chunking adds is less than the bytes */
	c->out_n = c->out_at = c->out_first = 0;
	if (c->out == NULL)
		abort();
	if (c->kind == 'x') {
		put(c, "HTTP/1.1 2OO fine\r\n\r\n", 21);
		return;
	}
	put_head(c);
	if (c->kind == 's')
		c->out_first = c->out_n / 2;
	if (c->kind == 'c' || c->kind == 'd')
		put_chunks(c, soak_pattern(c->token));
	else if (!c->is_head)
		put(c, soak_pattern(c->token), c->size);
	if (c->kind == 'y')
		put(c, "HTTP/1.1 200 OK\r\nX-Token: 1\r\nContent-Length: 0\r\n\r\n", 50);
}

/* False: the connection is gone. */
static bool answer(struct conn *c)
{
	if (c->kind == 'b')
		complain(c, "a malformed body was passed on as a whole one");
	if (c->kind == 'r') {
		conn_close(c, true);
		return false;
	}
	c->state = c->kind == 'h' ? ON_SILENCE : ON_ANSWER;
	c->after = soak_is_any(c->kind, "kutdx") ? THEN_CLOSE : THEN_NEXT;
	c->wake_ms = c->kind == 's' ? soak_now_ms() + SLOW_MS : 0;
	if (c->kind != 'h')
		put_answer(c);
	return true;
}

/* False: the connection is gone. */
static bool answer_flush(struct conn *c)
{
	size_t end = c->wake_ms > 0 ? c->out_first : c->out_n;

	while (c->out_at < end) {
		ssize_t n = send(c->fd, c->out + c->out_at, end - c->out_at,
				 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			watch(c, true);
			return true;
		}
		if (n < 0) {
			conn_close(c, false);
			return false;
		}
		c->out_at += (size_t)n;
	}
	watch(c, false);
	if (c->out_at < c->out_n)
		return true;
	free(c->out);
	c->out = NULL;
	if (c->after != THEN_NEXT) {
		conn_close(c, c->after == THEN_RESET);
		return false;
	}
	c->state = c->kind == 'a' ? ON_SILENCE : ON_HEAD;
	return true;
}

/* ---- requests ---- */

/* The head is a text that ends with its empty line. */
static void read_request(struct conn *c, const char *head)
{
	const char *target = strchr(head, ' '), *length = soak_field(head, "\ncontent-length: ");
	const char *token = soak_field(head, "\nx-token: ");
	char *end = NULL;

	c->kind = '?';
	c->token = c->size = c->left = c->at = 0;
	c->is_head = strncmp(head, "HEAD ", 5) == 0;
	c->is_chunked = soak_field(head, "\ntransfer-encoding: chunked") != NULL;
	memset(&c->chunks, 0, sizeof(c->chunks));
	if (target != NULL && target[1] == '/' && target[2] != '\0' && target[3] == '/') {
		c->kind = target[2];
		c->token = strtoull(target + 4, &end, 10);
		c->size = *end == '/' ? strtoull(end + 1, NULL, 10) : 0;
	}
	c->left = length != NULL ? strtoull(length, NULL, 10) : 0;
	if (c->kind == '?' || c->size > SOAK_SIZE_MAX || token == NULL ||
	    strtoull(token, NULL, 10) != c->token || strstr(head, "BAD") != NULL) {
		complain(c, "a request that should not have come");
		(void)fprintf(stderr, "%s", head);
	}
}

static bool take_head(struct conn *c)
{
	char *end = memmem(c->in, c->in_n, "\r\n\r\n", 4);

	if (end == NULL)
		return false;
	end[3] = '\0';
	read_request(c, c->in);
	size_t n = (size_t)(end + 4 - c->in);
	c->in_n -= n;
	memmove(c->in, c->in + n, c->in_n);
	c->state = ON_BODY;
	return true;
}

static void check_piece(struct conn *c, const char *p, size_t n)
{
	if (c->kind != 'b' &&
	    (c->at + n > SOAK_SIZE_MAX || memcmp(soak_pattern(c->token) + c->at, p, n) != 0))
		complain(c, "the bytes of another body");
	c->at += n;
}

/* Uses what is there; true: the body is whole. */
static bool take_body(struct conn *c)
{
	size_t at = 0, used, piece;
	bool ended = !c->is_chunked && c->left == 0;

	while (!ended && at < c->in_n) {
		if (!c->is_chunked) {
			used = piece = c->in_n - at < c->left ? c->in_n - at : (size_t)c->left;
			c->left -= used;
			ended = c->left == 0;
		} else {
			enum soak_chunk r = soak_chunk_next(&c->chunks, c->in + at, c->in_n - at,
							    &used, &piece);
			ended = r == CHUNK_ENDED;
			if (r == CHUNK_WRONG)
				complain(c, "a malformed chunk");
		}
		at += used;
		check_piece(c, c->in + at - piece, piece);
	}
	c->in_n -= at;
	memmove(c->in, c->in + at, c->in_n);
	return ended;
}

static void conn_step(struct conn *c)
{
	for (;;) {
		if (c->state == ON_SILENCE)
			c->in_n = 0;
		if (c->state == ON_ANSWER && c->in_n > 0 && c->kind != 'a')
			complain(c, "bytes before the answer was out");
		if (c->state == ON_HEAD && !take_head(c))
			return;
		if (c->state == ON_BODY && c->kind != 'a' && !take_body(c))
			return;
		if (c->state == ON_BODY && (!answer(c) || c->state == ON_SILENCE))
			return;
		if (c->state != ON_ANSWER || !answer_flush(c) || c->state != ON_HEAD)
			return;
	}
}

static void conn_ready(struct conn *c, unsigned events)
{
	if (c->state == ON_ANSWER && (events & EPOLLOUT) && !answer_flush(c))
		return;
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if (c->in_n == IN_BYTES)
		c->in_n = 0; /* of an early answer: nobody reads it */
	ssize_t n = recv(c->fd, c->in + c->in_n, IN_BYTES - c->in_n, MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_close(c, false);
		return;
	}
	c->in_n += (size_t)n;
	conn_step(c);
}

/* ---- listening, dying ---- */

static int open_port(uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(*port) };
	socklen_t n = sizeof(a);
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 1024) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
		perror("origin: listen");
		exit(1);
	}
	*port = ntohs(a.sin_port);
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
	return fd;
}

static void accept_all(int port)
{
	int fd;

	while ((fd = accept4(listeners[port], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct conn *c = fd < FDS ? calloc(1, sizeof(*c)) : NULL;
		struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

		if (c == NULL || (c->in = malloc(IN_BYTES)) == NULL)
			abort();
		c->fd = fd;
		c->port = port;
		conns[fd] = c;
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
	}
}

static void die_or_live(int64_t now)
{
	static int64_t next;

	if (next == 0)
		next = now + ALIVE_MS;
	if (now < next)
		return;
	if (listeners[0] < 0) {
		listeners[0] = open_port(&ports[0]);
		next = now + ALIVE_MS;
		return;
	}
	(void)close(listeners[0]);
	listeners[0] = -1;
	for (int fd = 0; fd < FDS; fd++) {
		if (conns[fd] != NULL && conns[fd]->port == 0)
			conn_close(conns[fd], true);
	}
	next = now + DEAD_MS;
}

static void wake_slow(int64_t now)
{
	for (int fd = 0; fd < FDS; fd++) {
		struct conn *c = conns[fd];

		if (c == NULL || c->wake_ms == 0 || c->wake_ms > now)
			continue;
		c->wake_ms = 0;
		if (answer_flush(c))
			conn_step(c);
	}
}

static void turn(void)
{
	static int64_t last;
	struct epoll_event events[EVENTS];
	int n = epoll_wait(epoll_fd, events, EVENTS, TURN_MS);
	int64_t now = soak_now_ms();

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd, port = -1;

		for (int p = 0; p < SOAK_PORTS; p++)
			port = listeners[p] == fd ? p : port;
		if (port >= 0)
			accept_all(port);
		else if (conns[fd] != NULL)
			conn_ready(conns[fd], events[i].events);
	}
	if (now - last < TURN_MS)
		return;
	last = now;
	wake_slow(now);
	die_or_live(now);
}

int main(void)
{
	struct rlimit l;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	(void)printf("ports");
	for (int p = 0; p < SOAK_PORTS; p++) {
		listeners[p] = open_port(&ports[p]);
		(void)printf(" %u", ports[p]);
	}
	(void)printf("\n");
	(void)fflush(stdout);
	for (;;)
		turn();
}
