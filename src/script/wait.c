#include "script/wait.h"

#include <math.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/sock.h"
#include "net/tls_stream.h"
#include "script/kept.h"
#include "script/link_stream.h"

enum { NAMES_BYTES = 512, NAME_BYTES = 256, FOREVER_MS = 3600000 };

static void be_heard(struct deferred *d)
{
	struct wait *w = container_of(d, struct wait, heard);
	w->kind = WAIT_NONE;
	w->on_over(w);
}

void wait_init(struct wait *w, struct io *io)
{
	*w = (struct wait){ .io = io };
	list_init(&w->conns);
	list_init(&w->listener);
	deferred_init(&w->heard, be_heard);
}

static void close_conn(struct wait *w, struct conn *c)
{
	if (w->conn == c)
		w->conn = NULL;
	conn_destroy(c);
}

static void stop_wait(struct wait *w)
{
	if (w->query != NULL)
		dns_cancel(w->query);
	dns_ask_cancel(w->ask);
	w->ask = NULL;
	if (w->ping != NULL)
		ping_cancel(w->ping);
	free(w->ping);
	w->ping = NULL;
	if (w->probe != NULL)
		udp_probe_cancel(w->probe);
	free(w->probe);
	w->probe = NULL;
	w->query = NULL;
	list_remove(&w->listener);
	loop_defer_cancel(&w->heard);
	if (w->kind == WAIT_BODY)
		w->io->bodies--;
	w->kind = WAIT_NONE;
}

static void forget_ssl(struct wait *w)
{
	SSL_free(w->ssl);
	w->ssl = NULL;
	w->first = (struct str){ NULL, 0 };
}

void wait_secure(struct wait *w, SSL *ssl, struct str first)
{
	forget_ssl(w);
	w->was_used = true;
	w->ssl = ssl;
	w->first = first;
}

void wait_fini(struct wait *w)
{
	struct list *node;
	stop_wait(w);
	while ((node = list_first(&w->conns)) != NULL)
		close_conn(w, container_of(node, struct conn, node));
	free(w->names);
	w->names = NULL;
	forget_ssl(w);
}

void wait_expire(struct wait *w)
{
	if (w->kind != WAIT_SLEEP)
		w->failure = "timeout";
	if (w->kind == WAIT_CONNECT && w->conn != NULL) {
		int lack = w->conn->state == CONN_DIALLING ? stream_dial_lacks(&w->conn->dialling)
							   : 0;
		if (lack != 0)
			w->failure = dial_lack_text(lack);
		close_conn(w, w->conn);
	} else if (w->conn != NULL) {
		conn_stop(w->conn);
	}
	stop_wait(w);
}

/* Ends a wait that was begun and never yielded for. */
static void begin_wait(struct wait *w, enum wait_kind kind, double seconds)
{
	stop_wait(w);
	if (w->conn != NULL && w->conn->wish != CONN_NOTHING)
		conn_stop(w->conn);
	w->was_used = true;
	w->kind = kind;
	w->failure = NULL;
	w->until_ms = 0;
	if (seconds > 0 || kind == WAIT_SLEEP)
		w->until_ms = loop_now_ms(w->io->loop) + (int64_t)ceil(fmin(seconds, 1e9) * 1000);
}

static bool fail_wait(struct wait *w, const char *why)
{
	w->kind = WAIT_NONE;
	w->failure = why;
	return false;
}

void wait_sleep(struct wait *w, double seconds)
{
	begin_wait(w, WAIT_SLEEP, seconds);
}

void wait_body(struct wait *w)
{
	begin_wait(w, WAIT_BODY, 0);
	w->io->bodies++;
	w->since_ms = loop_now_ms(w->io->loop);
	w->held_deadline_ms = w->deadline_ms;
	w->deadline_ms = 0;
}

void wait_body_over(struct wait *w)
{
	if (w->held_deadline_ms != 0)
		w->deadline_ms = w->held_deadline_ms + loop_now_ms(w->io->loop) - w->since_ms;
	stop_wait(w);
	w->on_over(w);
}

/* How long the running wait may take: 1 at least. */
static uint32_t left_ms(const struct wait *w)
{
	int64_t until_ms = w->until_ms != 0 ? w->until_ms : w->deadline_ms;
	int64_t left = until_ms == 0 ? FOREVER_MS : until_ms - loop_now_ms(w->io->loop);
	return left < 1 ? 1 : (uint32_t)left;
}

static bool ask_names(struct wait *w, struct str name, uint16_t port,
		      void (*on_done)(void *ctx, const struct dns_answer *answer))
{
	char text[NAME_BYTES];
	struct dns *dns = io_resolver(w->io);
	if (dns == NULL || !str_copy(text, sizeof text, name) || name.n == 0 ||
	    memchr(name.p, '\0', name.n) != NULL)
		return false;
	w->query = dns_resolve(dns, text, port, left_ms(w), on_done, w);
	return w->query != NULL;
}

/* The addresses without their ports, a blank between them. */
static char *print_names(const struct dns_answer *answer)
{
	char *text = malloc(NAMES_BYTES);
	size_t n = 0;
	for (unsigned i = 0; text != NULL && i < answer->count; i++) {
		char ip[INET6_ADDRSTRLEN];
		struct peer peer;
		peer_of_addr(&peer, &answer->addrs[i]);
		(void)peer_print_ip(&peer, ip);
		int wrote = snprintf(text + n, NAMES_BYTES - n, "%s%s", n == 0 ? "" : " ", ip);
		if (wrote < 0 || n + (size_t)wrote >= NAMES_BYTES)
			break;
		n += (size_t)wrote;
	}
	return text;
}

static void on_resolved(void *ctx, const struct dns_answer *answer)
{
	struct wait *w = ctx;
	w->query = NULL;
	w->failure = answer->failure;
	free(w->names);
	w->names = answer->failure == NULL ? print_names(answer) : NULL;
	w->ttl_s = answer->ttl_s;
	w->missing = answer->missing;
	if (w->names == NULL && w->failure == NULL)
		w->failure = "out of memory";
	io_give(w->io, w->names == NULL ? "" : w->names, w->names == NULL ? 0 : strlen(w->names));
	w->on_over(w);
}

bool wait_resolve(struct wait *w, struct str name, double timeout)
{
	begin_wait(w, WAIT_RESOLVE, timeout);
	if (w->io->mode == IO_TRIAL || ask_names(w, name, 0, on_resolved))
		return true;
	return fail_wait(w, "this is not a name, or no resolver is there");
}

static char *copy_lines(struct str lines)
{
	char *text = malloc(lines.n + 1);
	if (text != NULL)
		(void)str_copy(text, lines.n + 1, lines);
	return text;
}

static void on_records(void *ctx, const struct dns_found *found)
{
	struct wait *w = ctx;
	w->ask = NULL;
	w->failure = found->failure;
	free(w->names);
	w->names = found->failure == NULL ? copy_lines(found->lines) : NULL;
	w->ttl_s = (int)found->ttl_s;
	if (w->names == NULL && w->failure == NULL)
		w->failure = "out of memory";
	io_give(w->io, w->names == NULL ? "" : w->names, w->names == NULL ? 0 : found->lines.n);
	w->on_over(w);
}

bool wait_records(struct wait *w, struct str name, enum dns_type type, double timeout)
{
	char text[NAME_BYTES];
	begin_wait(w, WAIT_RESOLVE, timeout);
	if (w->io->mode == IO_TRIAL)
		return true;
	struct dns *dns = io_resolver(w->io);
	if (dns != NULL && name.n > 0 && memchr(name.p, '\0', name.n) == NULL &&
	    str_copy(text, sizeof text, name)) {
		(void)dns_changes(dns);
		w->ask = dns_ask(dns, text, type, left_ms(w), on_records, w);
	}
	if (w->ask != NULL)
		return true;
	return fail_wait(w, "this is not a name, or no resolver is there");
}

/* Dialling w->conn is over. */
static void end_connect(struct wait *w)
{
	w->failure = w->conn->failure;
	if (w->failure == NULL)
		return;
	(void)snprintf(w->words, sizeof w->words, "%s", w->failure); /* cut if too long */
	w->failure = w->words;
	close_conn(w, w->conn);
}

static void on_conn_over(struct conn *c)
{
	struct wait *w = c->owner;
	if (w->conn != c || (w->kind != WAIT_CONNECT && w->kind != WAIT_CONN))
		return; /* another wait has begun since */
	if (w->kind == WAIT_CONNECT)
		end_connect(w);
	else
		w->failure = c->failure;
	w->on_over(w);
}

static void on_host_resolved(void *ctx, const struct dns_answer *answer)
{
	struct wait *w = ctx;
	w->query = NULL;
	w->failure = answer->failure;
	if (answer->failure != NULL)
		close_conn(w, w->conn);
	else if (conn_dial(w->conn, answer->addrs, answer->count, left_ms(w)))
		end_connect(w);
	else
		return;
	w->on_over(w);
}

/* How many addresses that is; 0: it is a name. */
static unsigned read_addresses(struct addr *to, struct str host, uint16_t port)
{
	struct str word;
	unsigned n = 0;
	if (str_starts_with(host, STR("unix:")))
		return addr_parse(to, host, NULL) == ERR_OK ? 1 : 0;
	while (n < DIAL_ADDRS_MAX && str_split(&host, ' ', &word)) {
		if (!addr_of_ip(&to[n++], word, port))
			return 0;
	}
	return n;
}

static unsigned count_conns(const struct wait *w)
{
	unsigned count = 0;
	for (struct list *l = w->conns.next; l != &w->conns; l = l->next)
		count++;
	return count;
}

static struct conn *make_conn(struct wait *w, uint16_t port)
{
	struct conn *c = count_conns(w) < WAIT_CONNS_MAX ? conn_create(w->io, &w->conns) : NULL;
	if (c == NULL)
		return NULL;
	c->port = port;
	c->owner = w;
	c->on_over = on_conn_over;
	conn_secure(c, w->ssl, w->first);
	w->ssl = NULL;
	w->conn = c;
	return c;
}

bool wait_connect(struct wait *w, struct str host, uint16_t port, double timeout)
{
	struct addr addrs[DIAL_ADDRS_MAX];
	begin_wait(w, WAIT_CONNECT, timeout);
	if (w->io->mode == IO_TRIAL)
		return true;
	struct conn *c = make_conn(w, port);
	if (c == NULL)
		return fail_wait(w, "too many connections of one hook");
	unsigned count = read_addresses(addrs, host, port);
	if (count > 0) {
		if (!conn_dial(c, addrs, count, left_ms(w)))
			return true;
		end_connect(w);
		return false;
	}
	if (ask_names(w, host, port, on_host_resolved))
		return true;
	close_conn(w, c);
	return fail_wait(w, "this is not a host's name");
}

static struct conn *find_conn(const struct wait *w, uint32_t id)
{
	for (struct list *l = w->conns.next; l != &w->conns; l = l->next) {
		struct conn *c = container_of(l, struct conn, node);
		if (c->id == id)
			return c;
	}
	return NULL;
}

/* Makes the connection of that number w->conn; false: it is closed. */
static bool choose_conn(struct wait *w, uint32_t id)
{
	w->conn = find_conn(w, id);
	if (w->conn != NULL && stream_is_open(&w->conn->stream))
		return true;
	return fail_wait(w, "closed");
}

static bool end_conn_wait(struct wait *w, bool is_over)
{
	if (!is_over)
		return true;
	w->failure = w->conn->failure;
	w->kind = WAIT_NONE;
	return false;
}

bool wait_send(struct wait *w, uint32_t id, struct str bytes, double timeout)
{
	begin_wait(w, WAIT_CONN, timeout);
	return choose_conn(w, id) && end_conn_wait(w, conn_send(w->conn, bytes.p, bytes.n));
}

bool wait_receive(struct wait *w, uint32_t id, enum conn_wish wish, size_t n, double timeout)
{
	begin_wait(w, WAIT_CONN, timeout);
	return choose_conn(w, id) && end_conn_wait(w, conn_receive(w->conn, wish, n));
}

/* Asks for an answer, or its head. */
static bool wait_answer(struct wait *w, uint32_t id, bool is_ready, enum conn_wish wish,
			double timeout)
{
	if (is_ready)
		return wait_receive(w, id, wish, 0, timeout);
	begin_wait(w, WAIT_CONN, timeout);
	return fail_wait(w, "out of memory");
}

bool wait_response(struct wait *w, uint32_t id, uint32_t flags, size_t body_max, double timeout)
{
	struct conn *c = find_conn(w, id);
	bool is_ready = c == NULL || conn_expect_answer(c, flags, body_max);
	return wait_answer(w, id, is_ready, CONN_RESPONSE, timeout);
}

bool wait_head(struct wait *w, uint32_t id, uint32_t flags, double timeout)
{
	struct conn *c = find_conn(w, id);
	bool is_ready = c == NULL || conn_expect_answer(c, flags, SIZE_MAX);
	return wait_answer(w, id, is_ready, CONN_HEAD, timeout);
}

bool wait_until(struct wait *w, uint32_t id, const struct wait_until *goal, double timeout)
{
	struct conn *c = find_conn(w, id);
	if (c != NULL && !conn_expect_end(c, goal->end)) {
		begin_wait(w, WAIT_CONN, timeout);
		return fail_wait(w, "the delimiter is empty or too long");
	}
	return wait_receive(w, id, CONN_UNTIL, goal->max, timeout);
}

void wait_close(struct wait *w, uint32_t id)
{
	struct conn *c = find_conn(w, id);
	if (c != NULL)
		close_conn(w, c);
}

bool wait_speaks_h2(const struct wait *w, uint32_t id)
{
	const struct conn *c = find_conn(w, id);
	struct tls_facts facts;
	return c != NULL && tls_stream_facts(&c->stream, &facts) && str_eq(facts.alpn, STR("h2"));
}

void wait_keep(struct wait *w, uint32_t id, struct str key)
{
	struct conn *c = find_conn(w, id);
	if (c == NULL)
		return;
	if (!kept_put(c, key))
		close_conn(w, c);
	else if (w->conn == c)
		w->conn = NULL;
}

bool wait_reuse(struct wait *w, struct str key, bool is_sure)
{
	struct conn *c = count_conns(w) < WAIT_CONNS_MAX ? kept_take(w->io, key, is_sure, &w->conns)
							 : NULL;
	if (c == NULL)
		return false;
	c->owner = w;
	c->on_over = on_conn_over;
	w->conn = c;
	w->was_used = true;
	return true;
}

bool wait_share(struct wait *w, uint32_t id, struct str key)
{
	struct conn *c = find_conn(w, id);
	if (c == NULL)
		return false;
	if (w->conn == c)
		w->conn = NULL;
	if (link_open(c, key))
		return true;
	close_conn(w, c);
	return false;
}

bool wait_ask(struct wait *w, struct str key, bool is_sure)
{
	struct link *l = link_find(w->io, key, is_sure);
	struct conn *c = l == NULL ? NULL : make_conn(w, 0);
	if (c == NULL)
		return false;
	if (!link_stream_open(l, &c->stream)) {
		close_conn(w, c);
		return false;
	}
	c->state = CONN_OPEN;
	w->was_used = true;
	conn_lend(c);
	return true;
}

static void on_pinged(struct ping *p, int sys)
{
	struct wait *w = p->owner;
	w->failure = sys == 0 ? NULL : sock_err_text(sys);
	w->io->shortages += sock_err_is_shortage(sys);
	w->on_over(w);
}

bool wait_ping(struct wait *w, struct str ip, double timeout)
{
	struct addr to;
	begin_wait(w, WAIT_PING, timeout);
	if (!addr_of_ip(&to, ip, 0))
		return fail_wait(w, "this is not an IP address");
	struct ping *p = w->ping = malloc(sizeof *p);
	if (p == NULL)
		return fail_wait(w, "out of memory");
	int sys = ping_start(p, w->io->loop, &to, on_pinged);
	p->owner = w;
	w->io->shortages += sock_err_is_shortage(sys);
	return sys == 0 ? true : fail_wait(w, sock_err_text(sys));
}

static void on_probed(struct udp_probe *p, int sys)
{
	struct wait *w = p->owner;
	w->failure = sys == 0 ? NULL : sock_err_text(sys);
	w->io->shortages += sock_err_is_shortage(sys);
	io_give(w->io, p->answer, p->answer_n);
	w->on_over(w);
}

bool wait_udp(struct wait *w, struct wait_place to, struct str question, double timeout)
{
	struct addr addr;
	begin_wait(w, WAIT_UDP, timeout);
	if (!addr_of_ip(&addr, to.ip, to.port))
		return fail_wait(w, "this is not an IP address");
	struct udp_probe *p = w->probe = malloc(sizeof *p);
	if (p == NULL)
		return fail_wait(w, "out of memory");
	p->owner = w;
	int sys = udp_probe_start(p, w->io->loop, &addr, question, on_probed);
	w->io->shortages += sock_err_is_shortage(sys);
	return sys == 0 ? true : fail_wait(w, sock_err_text(sys));
}

static struct list *listeners_of(struct io *io, double event)
{
	return &io->listeners[(uint64_t)event % IO_EVENT_LISTS];
}

bool wait_event(struct wait *w, double event, double timeout)
{
	begin_wait(w, WAIT_EVENT, timeout);
	w->event = event;
	list_append(listeners_of(w->io, event), &w->listener);
	return true;
}

void wait_announce(struct io *io, double event)
{
	struct list *all = listeners_of(io, event), *next;
	for (struct list *l = all->next; l != all; l = next) {
		struct wait *w = container_of(l, struct wait, listener);
		next = l->next;
		if (w->event != event)
			continue;
		list_remove(&w->listener);
		loop_yield(io->loop, &w->heard);
	}
}
