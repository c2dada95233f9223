/* The resolver against a small DNS server of our own on the same loop. */
#include "net/dns.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net_support.h"

enum { TYPE_A = 1, TYPE_AAAA = 28, HEADER = 12, NXDOMAIN = 3, SERVFAIL = 2 };

struct server {
	ev_io io;
	struct addr addr;
	int questions;
};

/* "four.test" of a question, with dots; returns the bytes it takes there. */
static size_t read_name(const uint8_t *p, size_t n, char *name, size_t size)
{
	size_t at = 0, length = 0;

	while (at < n && p[at] != 0 && at + p[at] < n && length + p[at] + 2 < size) {
		if (at > 0)
			name[length++] = '.';
		memcpy(name + length, p + at + 1, p[at]);
		length += p[at];
		at += p[at] + 1u;
	}
	name[length] = '\0';
	return at + 1;
}

static size_t add_record(uint8_t *to, unsigned type, uint8_t ttl, uint8_t last)
{
	uint8_t length = type == TYPE_A ? 4 : 16;
	const uint8_t head[12] = { 0xC0, HEADER, 0, (uint8_t)type, 0, 1, 0, 0, 0, ttl, 0, length };
	const uint8_t ip[16] = { 0x20, 0x01, 0x0D, 0xB8 };

	memcpy(to, head, sizeof(head));
	memcpy(to + sizeof(head), type == TYPE_A ? (const uint8_t[]){ 192, 0, 2, 0 } : ip, length);
	to[sizeof(head) + length - 1] = last;
	return sizeof(head) + length;
}

/* How many records a name has: -1 is no answer at all, -2 a failing server, -3 an unknown name. */
static int records_of(const char *name, unsigned type)
{
	static const struct {
		const char *name;
		int a, aaaa;
	} zone[] = {
		{ "both.test", 2, 1 }, { "four.test", 1, -1 },	  { "six.test", 0, 1 },
		{ "none.test", 0, 0 }, { "silent.test", -1, -1 }, { "broken.test", -2, -2 },
		{ "many.test", 9, 2 },
	};

	for (unsigned i = 0; i < countof(zone); i++) {
		if (strcmp(zone[i].name, name) == 0)
			return type == TYPE_A ? zone[i].a : zone[i].aaaa;
	}
	return -3;
}

static void server_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct server *s = container_of(w, struct server, io);
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t p[1024];
	char name[256];

	(void)ev;
	(void)events;
	ssize_t got = recvfrom(w->fd, p, 512, 0, (struct sockaddr *)&from, &len);
	if (got <= HEADER)
		return;
	s->questions++;
	size_t n = HEADER + read_name(p + HEADER, (size_t)got - HEADER, name, sizeof(name));
	unsigned type = p[n + 1];
	int count = records_of(name, type);
	if (count == -1)
		return;
	n += 4;
	p[2] = 0x81;
	p[3] = (uint8_t)(0x80 | (count == -3 ? NXDOMAIN : count == -2 ? SERVFAIL : 0));
	p[7] = (uint8_t)(count > 0 ? count : 0);
	p[9] = p[11] = 0;
	for (int i = 0; i < count; i++)
		n += add_record(p + n, type, (uint8_t)(60 - i), (uint8_t)(i + 1));
	(void)sendto(w->fd, p, n, 0, (struct sockaddr *)&from, len);
}

static void server_start(struct server *s, struct loop *l)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	s->questions = 0;
	(void)addr_of_ip(&s->addr, STR("127.0.0.1"), 0);
	check(bind(fd, &s->addr.u.sa, s->addr.len) == 0, "a DNS server");
	check(getsockname(fd, &s->addr.u.sa, &s->addr.len) == 0, "its address");
	ev_io_init(&s->io, server_cb, fd, EV_READ);
	ev_io_start(l->ev, &s->io);
}

static void server_stop(struct server *s, struct loop *l)
{
	ev_io_stop(l->ev, &s->io);
	(void)close(s->io.fd);
}

struct question {
	struct dns *dns;
	struct dns_query *query;
	int done;
	bool cancel_within, destroy_within;
	struct dns_answer answer;
};

static void on_done(void *ctx, const struct dns_answer *answer)
{
	struct question *q = ctx;

	q->done++;
	q->answer = *answer;
	if (q->destroy_within)
		dns_destroy(q->dns);
	if (q->cancel_within)
		dns_cancel(q->query);
}

static void ask(struct question *q, struct dns *d, const char *name, uint32_t timeout_ms)
{
	*q = (struct question){ .dns = d };
	q->query = dns_resolve(d, name, 80, timeout_ms, on_done, q);
	check(q->query != NULL && q->done == 0, "never answered from inside the call");
}

static void check_answer(struct loop *l, struct dns *d, const char *name, uint32_t timeout_ms,
			 const char *expected)
{
	struct question q;
	char text[1024] = "", one[ADDR_TEXT_MAX];

	check_case(name);
	ask(&q, d, name, timeout_ms);
	if (!run_until(l, &q.done))
		return;
	for (unsigned i = 0; i < q.answer.count; i++) {
		(void)addr_print(&q.answer.addrs[i], one);
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			       i > 0 ? " " : "", one);
	}
	if (q.answer.count == 0 && q.answer.failure != NULL)
		(void)snprintf(text, sizeof(text), "%s", q.answer.failure);
	check((q.answer.count > 0) == (q.answer.failure == NULL), "addresses or a failure");
	if (!check(strcmp(text, expected) == 0, expected))
		printf("  but: %s\n", text);
}

static void test_names(struct loop *l, struct dns *d)
{
	static const char *const bad[] = {
		"",
		".",
		"..",
		"a..b",
		".a",
		"a b",
		"a/b",
		"a:80",
		"[::1]",
		"a%b",
		"b\xC3\xA9.test",
		"127.1",
		"1.2.3.4.5",
		"0177.0.0.1",
		"256.1.1.1",
		"a.1",
		"a\nb",
		"a@b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test",
	};

	for (unsigned i = 0; i < countof(bad); i++)
		check_answer(l, d, bad[i], 1000, "not a valid name");
	check_answer(l, d, "192.0.2.7", 1000, "192.0.2.7:80");
	check_answer(l, d, "2001:db8::7", 1000, "[2001:db8::7]:80");
}

static void test_answers(struct loop *l, struct dns *d)
{
	struct question q;

	check_answer(l, d, "both.test", 5000, "192.0.2.1:80 192.0.2.2:80 [2001:db8::1]:80");
	check_answer(l, d, "BOTH.test.", 5000, "no such name"); /* our server minds the case */
	check_answer(l, d, "both.test.", 5000, "192.0.2.1:80 192.0.2.2:80 [2001:db8::1]:80");
	check_answer(l, d, "four.test", 50, "192.0.2.1:80");
	check_answer(l, d, "six.test", 5000, "[2001:db8::1]:80");
	check_answer(l, d, "none.test", 5000, "the name has no address");
	check_answer(l, d, "unknown.test", 5000, "no such name");
	check_answer(l, d, "silent.test", 50, "timed out");
	check_answer(l, d, "broken.test", 5000, "no DNS server gave an answer");
	check_answer(l, d, "many.test", 5000,
		     "192.0.2.1:80 192.0.2.2:80 192.0.2.3:80 192.0.2.4:80 192.0.2.5:80 "
		     "192.0.2.6:80 192.0.2.7:80 192.0.2.8:80");
	check_case("TTL");
	ask(&q, d, "both.test", 5000);
	run_until(l, &q.done);
	check(q.answer.ttl_s == 59, "the smallest");
}

static void test_localhost(struct loop *l, struct dns *d)
{
	struct question q;
	char first[ADDR_TEXT_MAX] = "";

	check_case("localhost");
	ask(&q, d, "localhost", 5000);
	run_until(l, &q.done);
	if (q.answer.count > 0)
		(void)addr_print(&q.answer.addrs[0], first);
	check(strcmp(first, "127.0.0.1:80") == 0, "is known without a server, IPv4 first");
}

static void test_cancel(struct loop *l, struct dns *d)
{
	struct question asked, literal, within, last;

	check_case("dns_cancel");
	dns_cancel(NULL);
	ask(&asked, d, "both.test", 5000);
	dns_cancel(asked.query);
	ask(&literal, d, "192.0.2.1", 5000);
	dns_cancel(literal.query);
	ask(&within, d, "both.test", 5000);
	within.cancel_within = true;
	run_until(l, &within.done);
	ask(&within, d, "silent.test", 20);
	within.cancel_within = true;
	run_until(l, &within.done);
	ask(&last, d, "both.test", 5000);
	run_until(l, &last.done);
	check(asked.done == 0 && literal.done == 0, "a cancelled query is not answered");
	check(within.done == 1, "cancelling from on_done is harmless");
}

static struct dns *make(struct loop *l, const struct server *s)
{
	struct dns *d = NULL;
	struct error e;
	char servers[ADDR_TEXT_MAX];

	(void)addr_print(&s->addr, servers);
	check(dns_create(&d, l, &e) == ERR_OK, "a resolver");
	check(dns_use_servers(d, servers, &e) == ERR_OK, "with our server");
	check(dns_use_servers(d, "no address", &e) == ERR_INVALID, "nonsense is refused");
	return d;
}

static void test_destroy(struct loop *l, const struct server *s)
{
	struct dns *d = make(l, s);
	struct question a, b, c;

	check_case("dns_destroy");
	ask(&a, d, "silent.test", 5000);
	ask(&b, d, "127.0.0.1", 5000);
	run_turn(l);
	dns_destroy(d);
	run_turn(l);
	check(a.done == 0 && b.done == 1, "queries in flight end without a call");
	d = make(l, s);
	ask(&a, d, "silent.test", 5000);
	ask(&b, d, "both.test", 5000);
	ask(&c, d, "four.test", 20);
	c.destroy_within = c.cancel_within = true;
	run_until(l, &c.done);
	run_turn(l);
	check(a.done == 0 && c.done == 1, "destroyed by on_done of a query still asked about");
	dns_destroy(NULL);
}

void net_dns_tests(struct loop *l)
{
	int free_fd = fd_lowest_free();
	struct server s;
	struct dns *d;

	check_case("dns");
	server_start(&s, l);
	d = make(l, &s);
	test_names(l, d);
	check(s.questions == 0, "no server is asked about these");
	test_localhost(l, d);
	check(s.questions == 0, "nor about localhost");
	test_answers(l, d);
	test_cancel(l, d);
	dns_destroy(d);
	test_destroy(l, &s);
	server_stop(&s, l);
	check_case("dns");
	check(fd_lowest_free() == free_fd, "no descriptor is leaked");
}
