/*
 * The backend of the benchmarks: HTTP/1.1 with keep-alive on several ports, one thread, as little CPU as possible. Answers are made
 * once at start; bodies of requests are dropped in the kernel.
 *
 * usage: origin [-n PORTS] [-a] [-t PEM]    prints "ports P P ..." when it listens; ends with its parent or by SIGTERM
 *   -t   speaks TLS, with the certificate and the key in that file
 *   -a   listens on all of 127.0.0.0/8 (the loopback device only), for pools of thousands of backends
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wire.h"

enum {
	READ_BYTES = 256 * 1024,
	HEAD_MAX = 16 * 1024,
	EVENTS = 256,
	BACKLOG = 4096,
	FILE_BYTES = 1024 * 1024,
	CHUNK_BYTES = 4096,
};

struct answer {
	const char *path;
	size_t body; /* bytes of the body */
	bool chunked;
	bool from_file; /* a large body sent from the page cache, not from memory */
	char *text;	/* the head, and a small body */
	size_t text_n;
	size_t rest_n; /* of a large body */
};

static struct answer answers[] = {
	{ .path = "/128", .body = 128 },
	{ .path = "/16k", .body = 16384 },
	{ .path = "/16kc", .body = 16384, .chunked = true },
	{ .path = "/1m", .body = 1 << 20 },
	{ .path = "/64m", .body = 64 << 20 },
	{ .path = "/64mf", .body = 64 << 20, .from_file = true },
};

struct conn {
	struct wire wire;
	bool close;		     /* after this answer */
	bool waits;		     /* for the socket to take more of the answer */
	const struct answer *answer; /* on its way, or due when the body is drained */
	size_t sent;
	uint64_t drain;	 /* bytes of the request's body still to come */
	int64_t wake_ms; /* sleeping until then */
	struct conn *next_sleeper;
	size_t part_n;
	char *part; /* of a head that came in pieces */
};

static char bytes[READ_BYTES];
static char filler[READ_BYTES];
static struct conn **conns; /* by fd; NULL: a listening socket */
static int epoll_fd, file_fd;
static struct conn *sleepers;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static size_t write_head(char *to, size_t size, const struct answer *a)
{
	const char *common = "HTTP/1.1 200 OK\r\nServer: origin\r\n"
			     "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
			     "Content-Type: application/octet-stream\r\n";
	int n = a->chunked ? snprintf(to, size, "%sTransfer-Encoding: chunked\r\n\r\n", common)
			   : snprintf(to, size, "%sContent-Length: %zu\r\n\r\n", common, a->body);

	return (size_t)n;
}

static size_t write_chunks(char *to, size_t size, size_t body)
{
	size_t at = 0;

	for (size_t left = body; left > 0; left -= CHUNK_BYTES) {
		at += (size_t)snprintf(to + at, size - at, "%x\r\n", (unsigned)CHUNK_BYTES);
		memset(to + at, 'x', CHUNK_BYTES);
		at += CHUNK_BYTES;
		memcpy(to + at, "\r\n", 2);
		at += 2;
	}
	memcpy(to + at, "0\r\n\r\n", 5);
	return at + 5;
}

static void answer_init(struct answer *a)
{
	bool large = a->body > 65536;
	size_t size = 1024 + (large ? 0 : a->body + a->body / 8);

	a->text = malloc(size);
	if (!a->text)
		die("malloc");
	a->text_n = write_head(a->text, size, a);
	if (large) {
		a->rest_n = a->body;
	} else if (a->chunked) {
		a->text_n += write_chunks(a->text + a->text_n, size - a->text_n, a->body);
	} else {
		memset(a->text + a->text_n, 'x', a->body);
		a->text_n += a->body;
	}
}

static void answers_init(void)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++)
		answer_init(&answers[i]);
	file_fd = memfd_create("body", MFD_CLOEXEC);
	if (file_fd < 0)
		die("memfd_create");
	memset(filler, 'x', sizeof(filler));
	for (size_t at = 0; at < FILE_BYTES; at += sizeof(filler)) {
		if (write(file_fd, filler, sizeof(filler)) != (ssize_t)sizeof(filler))
			die("write");
	}
}

static void conn_destroy(struct conn *c)
{
	struct conn **at = &sleepers;

	while (*at && *at != c)
		at = &(*at)->next_sleeper;
	if (*at)
		*at = c->next_sleeper;
	conns[c->wire.fd] = NULL;
	wire_close(&c->wire);
	free(c->part);
	free(c);
}

static void conn_watch(struct conn *c, bool writing)
{
	struct epoll_event e = { .events = writing ? EPOLLOUT : EPOLLIN, .data.fd = c->wire.fd };

	if (c->waits != writing)
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->wire.fd, &e);
	c->waits = writing;
}

/* Some more bytes of the answer; what send says. */
static ssize_t send_some(struct conn *c)
{
	const struct answer *a = c->answer;
	size_t done, piece;
	off_t at;

	if (c->sent < a->text_n)
		return wire_send(&c->wire, a->text + c->sent, a->text_n - c->sent,
				 a->rest_n ? MSG_MORE : 0);
	done = c->sent - a->text_n;
	piece = a->rest_n - done;
	if (!a->from_file)
		return wire_send(&c->wire, filler, piece < sizeof(filler) ? piece : sizeof(filler),
				 0);
	at = (off_t)(done % FILE_BYTES);
	if (piece > FILE_BYTES - (size_t)at)
		piece = FILE_BYTES - (size_t)at;
	return sendfile(c->wire.fd, file_fd, &at, piece);
}

/* false: the connection is gone. */
static bool conn_answer(struct conn *c)
{
	while (c->sent < c->answer->text_n + c->answer->rest_n) {
		ssize_t n = send_some(c);

		if (n < 0 && errno == EAGAIN) {
			conn_watch(c, true);
			return true;
		}
		if (n <= 0) {
			conn_destroy(c);
			return false;
		}
		c->sent += (size_t)n;
	}
	c->answer = NULL;
	if (c->close) {
		conn_destroy(c);
		return false;
	}
	conn_watch(c, false);
	return true;
}

/* The length of a head that is whole, else 0. */
static size_t head_end(const char *p, size_t n)
{
	const char *end = memmem(p, n, "\r\n\r\n", 4);

	return end ? (size_t)(end - p) + 4 : 0;
}

static const char *field_value(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(line, name, n) == 0 ? line + n : NULL;
}

static void read_fields(struct conn *c, const char *p, const char *end)
{
	const char *value;

	while ((p = memchr(p, '\n', (size_t)(end - p))) && ++p < end) {
		if ((*p | 0x20) != 'c' && (*p | 0x20) != 't')
			continue;
		if ((value = field_value(p, "content-length:")))
			c->drain = strtoull(value, NULL, 10);
		else if ((value = field_value(p, "connection:")))
			c->close = strncasecmp(value + strspn(value, " "), "close", 5) == 0;
		else if (field_value(p, "transfer-encoding:"))
			c->close = true;
	}
}

static const struct answer *find_answer(const char *path, size_t n)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		if (strlen(answers[i].path) == n && memcmp(answers[i].path, path, n) == 0)
			return &answers[i];
	}
	return &answers[0];
}

static void conn_sleep(struct conn *c, const char *path)
{
	c->wake_ms = now_ms() + strtol(path + strlen("/sleep?"), NULL, 10);
	c->next_sleeper = sleepers;
	sleepers = c;
}

static void read_head(struct conn *c, const char *p, size_t n)
{
	const char *path = memchr(p, ' ', n), *end;

	c->close = false;
	c->drain = 0;
	c->sent = 0;
	c->wake_ms = 0;
	c->answer = &answers[0];
	if (!path || !(end = memchr(path + 1, ' ', n - (size_t)(path + 1 - p)))) {
		c->close = true;
		return;
	}
	path++;
	read_fields(c, end, p + n);
	if (strncmp(path, "/sleep?", 7) == 0)
		conn_sleep(c, path);
	else
		c->answer = find_answer(path, (size_t)(end - path));
}

static bool conn_keep(struct conn *c, const char *p, size_t n)
{
	if (n > HEAD_MAX || (!c->part && !(c->part = malloc(HEAD_MAX)))) {
		conn_destroy(c);
		return false;
	}
	memmove(c->part, p, n);
	c->part_n = n;
	return true;
}

/* Bytes that came: heads and bodies, one after the other. */
static void conn_input(struct conn *c, const char *p, size_t n)
{
	size_t head, body;

	while (n > 0) {
		if (!c->answer) {
			head = head_end(p, n);
			if (head == 0) {
				(void)conn_keep(c, p, n);
				return;
			}
			read_head(c, p, head);
			p += head;
			n -= head;
		}
		body = n < c->drain ? n : (size_t)c->drain;
		c->drain -= body;
		p += body;
		n -= body;
		if (c->drain > 0 || c->wake_ms > 0 || !conn_answer(c))
			return;
	}
}

static void conn_read(struct conn *c)
{
	ssize_t n;

	if (c->drain >= sizeof(bytes) && !c->wire.ssl) {
		n = recv(c->wire.fd, NULL, (size_t)c->drain - 1, MSG_TRUNC | MSG_DONTWAIT);
		if (n > 0)
			c->drain -= (uint64_t)n;
	} else {
		size_t part = c->part_n;

		n = wire_receive(&c->wire, bytes + part, sizeof(bytes) - part);
		if (n > 0) {
			memcpy(bytes, c->part ? c->part : bytes, part);
			c->part_n = 0;
			conn_input(c, bytes, part + (size_t)n);
			return;
		}
	}
	if (n == 0 || (n < 0 && errno != EAGAIN))
		conn_destroy(c);
}

static void conn_create(int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	conns[fd] = calloc(1, sizeof(struct conn));
	if (!conns[fd]) {
		(void)close(fd);
		return;
	}
	if (!wire_open(&conns[fd]->wire, fd))
		die("no memory for TLS");
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e);
	conn_read(conns[fd]);
}

static void accept_all(int listener)
{
	for (int i = 0; i < 64; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		conn_create(fd);
	}
}

static void wake_sleepers(void)
{
	int64_t now = now_ms();
	struct conn **at = &sleepers;

	while (*at) {
		struct conn *c = *at;

		if (c->wake_ms > now) {
			at = &c->next_sleeper;
			continue;
		}
		*at = c->next_sleeper;
		c->wake_ms = 0;
		if (c->drain == 0)
			(void)conn_answer(c);
	}
}

static void handle(const struct epoll_event *e)
{
	int fd = e->data.fd;
	struct conn *c = conns[fd];

	if (!c)
		accept_all(fd);
	else if (c->waits)
		(void)conn_answer(c);
	else
		conn_read(c);
	while (c && conns[fd] == c && !c->waits && wire_has_more(&c->wire))
		conn_read(c);
}

static void serve(void)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS, sleepers ? 1 : -1);

		for (int i = 0; i < n; i++)
			handle(&events[i]);
		if (sleepers)
			wake_sleepers();
	}
}

/* Returns the port. */
static unsigned listen_one(bool all)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof(a);
	struct epoll_event e = { .events = EPOLLIN };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(all ? INADDR_ANY : INADDR_LOOPBACK);
	if (fd < 0 || (all && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3)))
		die("socket");
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, BACKLOG))
		die("listen");
	if (getsockname(fd, (struct sockaddr *)&a, &size))
		die("getsockname");
	e.data.fd = fd;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
	return ntohs(a.sin_port);
}

static size_t raise_fds(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		die("getrlimit");
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
	return (size_t)l.rlim_max;
}

int main(int argc, char **argv)
{
	int ports = 4, option;
	bool all = false;

	while ((option = getopt(argc, argv, "n:at:")) != -1) {
		if (option == 'n')
			ports = (int)strtol(optarg, NULL, 10);
		else if (option == 'a')
			all = true;
		else if (option == 't')
			wire_be_server(optarg);
		else
			return 2;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	(void)signal(SIGPIPE, SIG_IGN); /* sendfile has no flag for it */
	conns = calloc(raise_fds(), sizeof(*conns));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!conns || epoll_fd < 0)
		die("epoll_create1");
	answers_init();
	(void)printf("ports");
	for (int i = 0; i < ports; i++)
		(void)printf(" %u", listen_one(all));
	(void)printf("\n");
	(void)fflush(stdout);
	serve();
	return 0;
}
