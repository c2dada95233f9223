#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/bind.h"
#include "net_support.h"

static void parse(struct addr *a, const char *text)
{
	struct error e;

	if (!check(addr_parse(a, str_of(text), &e) == ERR_OK, text))
		exit(check_report());
}

static void close_all(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		(void)close(fds[i]);
}

/* Listens on TEXT, which must fail with WANTED (%s: the address). */
static void check_refused(const struct addr *a, const char *wanted)
{
	struct addr copy = *a;
	struct error e = { .code = ERR_OK };
	char expected[sizeof(e.text)], text[ADDR_TEXT_MAX];
	int fds[2], free_fd = fd_lowest_free();

	(void)addr_print(a, text);
	(void)snprintf(expected, sizeof(expected), "cannot listen on %s: %s", text, wanted);
	check(bind_open(&copy, 2, false, fds, &e) == ERR_SYSTEM, "refused");
	if (!check(strcmp(e.text, expected) == 0, expected))
		printf("  but: %s\n", e.text);
	check(fd_lowest_free() == free_fd, "no descriptor stays open");
}

static void test_tcp(void)
{
	struct addr a, bound = { .len = sizeof(bound.u) };
	struct error e;
	int fds[3], on = 0;
	socklen_t len = sizeof(on);

	check_case("bind_open, TCP");
	parse(&a, "127.0.0.1:0");
	if (!check(bind_open(&a, 3, true, fds, &e) == ERR_OK, "three sockets")) {
		printf("%s\n", e.text);
		return;
	}
	check(addr_port(&a) != 0, "the port is known");
	check(getsockname(fds[2], &bound.u.sa, &bound.len) == 0 && addr_equal(&a, &bound),
	      "and the same for all");
	check((fcntl(fds[2], F_GETFD) & FD_CLOEXEC) != 0, "closed on exec");
	check((fcntl(fds[2], F_GETFL) & O_NONBLOCK) != 0, "not blocking");
	check(getsockopt(fds[1], IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, &len) == 0 && on > 0,
	      "accepting is deferred");
	check_refused(&a, "address already in use (another process listens there; choose another "
			  "port or stop it)");
	close_all(fds, 3);
	check(bind_open(&a, 1, false, fds, &e) == ERR_OK, "free again");
	check(getsockopt(fds[0], IPPROTO_TCP, TCP_DEFER_ACCEPT, &on, &len) == 0 && on == 0,
	      "not deferred unless asked for");
	close_all(fds, 1);
}

/* The kernel spreads connections over all sockets of the port: the option was on before listen. */
static void test_spread(void)
{
	struct addr a;
	struct error e;
	int fds[2], clients[64], got[2] = { 0, 0 };

	check_case("bind_open, spread");
	parse(&a, "127.0.0.1:0");
	if (!check(bind_open(&a, 2, false, fds, &e) == ERR_OK, "two sockets"))
		return;
	for (unsigned i = 0; i < countof(clients); i++) {
		clients[i] = sock_connect_start(&a);
		struct pollfd ready = { .fd = clients[i], .events = POLLOUT };
		check(poll(&ready, 1, 10000) == 1, "connected");
	}
	for (unsigned i = 0; i < 2; i++) {
		int fd;
		while ((fd = accept(fds[i], NULL, NULL)) >= 0) {
			got[i]++;
			(void)close(fd);
		}
	}
	check(got[0] + got[1] == (int)countof(clients), "each connection is accepted once");
	check(got[0] > 0 && got[1] > 0, "both sockets have their share");
	close_all(clients, countof(clients));
	close_all(fds, 2);
}

static void test_any(void)
{
	struct addr a, v4;
	struct error e;
	int fd;

	check_case("bind_open, any address");
	parse(&a, ":0");
	if (!check(bind_open(&a, 1, false, &fd, &e) == ERR_OK, "bound"))
		return;
	check(addr_of_ip(&v4, STR("127.0.0.1"), addr_port(&a)), "an IPv4 address of it");
	int client = sock_connect_start(&v4);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	check(client >= 0 && poll(&ready, 1, 10000) == 1, "IPv4 reaches it");
	struct addr from = { .len = sizeof(from.u) };
	int accepted = accept(fd, &from.u.sa, &from.len);
	struct peer p;
	char ip[INET6_ADDRSTRLEN];
	peer_of_addr(&p, &from);
	check(accepted >= 0 && peer_print_ip(&p, ip) == 9 && strcmp(ip, "127.0.0.1") == 0,
	      "and is an IPv4 peer");
	(void)close(accepted);
	(void)close(client);
	(void)close(fd);
}

static void test_refused(void)
{
	struct addr a;

	check_case("bind_open, refused");
	parse(&a, "192.0.2.1:9");
	check_refused(&a, "address not available (no interface of this machine has that address)");
	parse(&a, "unix:/nowhere-at-all/x.sock");
	check_refused(&a, "no such file (the directory does not exist; make it first)");
}

/* Needs a user without CAP_NET_BIND_SERVICE and a machine that keeps the low ports for root. */
static void test_privileged(void)
{
	struct addr a;

	check_case("bind_open, low port");
	parse(&a, "127.0.0.1:1");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool allowed = bind(fd, &a.u.sa, a.len) == 0 || errno != EACCES;
	(void)close(fd);
	if (!allowed)
		check_refused(&a,
			      "permission denied (ports below 1024 need root or "
			      "CAP_NET_BIND_SERVICE; start it as root or choose a higher port)");
}

static void check_unix_file(const struct addr *a)
{
	struct stat st;

	check(stat(a->u.un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode), "a socket file");
	check((st.st_mode & 0777) == 0644, "mode 0666 less the umask");
}

static void test_unix(const char *directory)
{
	struct addr a;
	struct error e;
	char text[256];
	int fds[2];

	check_case("bind_open, unix");
	(void)snprintf(text, sizeof(text), "unix:%s/s", directory);
	parse(&a, text);
	mode_t before = umask(022);
	if (!check(bind_open(&a, 2, false, fds, &e) == ERR_OK, "two descriptors"))
		printf("%s\n", e.text);
	check_unix_file(&a);
	check_refused(&a, "address already in use (another process listens there; choose another "
			  "path or stop it)");
	int client = sock_connect_start(&a);
	check(client >= 0, "reachable");
	(void)close(client);
	close_all(fds, 2);
	check(access(a.u.un.sun_path, F_OK) == 0, "the file stays");
	check(bind_open(&a, 1, false, fds, &e) == ERR_OK, "a stale file is replaced");
	check_unix_file(&a);
	close_all(fds, 1);
	check(umask(before) == 022, "the umask is as before");
	(void)unlink(a.u.un.sun_path);
	int plain = open(a.u.un.sun_path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(plain);
	check_refused(&a,
		      "not a socket (a file is there already; remove it or choose another path)");
	check(unlink(a.u.un.sun_path) == 0, "other files are left alone");
}

void net_bind_tests(void)
{
	char directory[] = "/tmp/net_test.XXXXXX";

	test_tcp();
	test_spread();
	test_any();
	test_refused();
	test_privileged();
	if (check(mkdtemp(directory) != NULL, "a directory")) {
		test_unix(directory);
		(void)rmdir(directory);
	}
}
