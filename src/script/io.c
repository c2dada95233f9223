#include "script/io.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "script/conn.h"

enum { CONNECT_ADDRS_TEXT = 512 };

void wait_init(struct wait *w)
{
	*w = (struct wait){ .kind = WAIT_NONE };
	list_init(&w->conns);
}

static void stop(struct wait *w)
{
	if (w->query != NULL)
		dns_cancel(w->query);
	if (w->ping != NULL)
		ping_cancel(w->ping);
	free(w->ping);
	w->ping = NULL;
	w->query = NULL;
	w->kind = WAIT_NONE;
}

void wait_fini(struct wait *w)
{
	struct list *node;
	stop(w);
	while ((node = list_first(&w->conns)) != NULL)
		conn_destroy(container_of(node, struct conn, node));
	free(w->text);
	w->text = NULL;
}

void wait_expire(struct wait *w)
{
	if (w->kind != WAIT_SLEEP)
		w->failure = "timeout";
	if (w->kind == WAIT_CONNECT && w->conn != NULL) {
		conn_destroy(w->conn);
	} else if (w->conn != NULL) {
		stream_watch_read(&w->conn->stream, false);
		stream_watch_write(&w->conn->stream, false);
	}
	stop(w);
}

/* The running coroutine, ready for a new wait. seconds 0: as long as it may run. */
static struct co *begin(enum wait_kind kind, double seconds)
{
	struct vm *vm = vm_current();
	struct co *co = co_running(vm);
	stop(&co->wait);       /* whatever may have been begun and never waited for */
	co->has_waited = true; /* so that co_put ends it */
	co->wait.kind = kind;
	co->wait.failure = NULL;
	co->wait_until_ms = 0;
	if (seconds > 0 || kind == WAIT_SLEEP)
		co->wait_until_ms =
			loop_now_ms(vm->o.loop) + (int64_t)ceil(fmin(seconds, 1e9) * 1000);
	return co;
}

static uint32_t fail(struct co *co, const char *why)
{
	co->wait.kind = WAIT_NONE;
	co->wait.failure = why;
	return 0;
}

NEAP_API uint32_t neap_wait_sleep(double seconds)
{
	(void)begin(WAIT_SLEEP, seconds);
	return 1;
}

static struct dns *resolver(struct vm *vm)
{
	struct error e;
	if (vm->dns == NULL && dns_create(&vm->dns, vm->o.loop, &e) != ERR_OK)
		log_error("names cannot be resolved: %s", e.text);
	return vm->dns;
}

static bool ask(struct co *co, struct str name, uint16_t port,
		void (*on_done)(void *ctx, const struct dns_answer *answer))
{
	char text[256];
	struct dns *dns = resolver(co->vm);
	if (dns == NULL || !str_copy(text, sizeof text, name) || name.n == 0 ||
	    memchr(name.p, '\0', name.n) != NULL)
		return false;
	int64_t left_ms = 3600000, now_ms = loop_now_ms(co->vm->o.loop);
	if (co->wait_until_ms != 0)
		left_ms = co->wait_until_ms - now_ms;
	else if (co->deadline_ms != 0)
		left_ms = co->deadline_ms - now_ms;
	co->wait.query =
		dns_resolve(dns, text, port, left_ms < 1 ? 1 : (uint32_t)left_ms, on_done, co);
	return co->wait.query != NULL;
}

/* The addresses without their ports, a blank between them. */
static char *as_text(const struct dns_answer *answer)
{
	char *text = malloc(CONNECT_ADDRS_TEXT);
	size_t n = 0;
	for (unsigned i = 0; text != NULL && i < answer->count; i++) {
		char ip[INET6_ADDRSTRLEN];
		struct peer peer;
		peer_of_addr(&peer, &answer->addrs[i]);
		(void)peer_print_ip(&peer, ip);
		int wrote =
			snprintf(text + n, CONNECT_ADDRS_TEXT - n, "%s%s", n == 0 ? "" : " ", ip);
		if (wrote < 0 || n + (size_t)wrote >= CONNECT_ADDRS_TEXT)
			break;
		n += (size_t)wrote;
	}
	return text;
}

static void on_resolved(void *ctx, const struct dns_answer *answer)
{
	struct co *co = ctx;
	struct wait *w = &co->wait;
	w->query = NULL;
	w->failure = answer->failure;
	free(w->text);
	w->text = answer->failure == NULL ? as_text(answer) : NULL;
	w->ttl_s = answer->ttl_s;
	if (w->text == NULL && w->failure == NULL)
		w->failure = "out of memory";
	co->vm->current.out = w->text == NULL ? "" : w->text;
	co->vm->current.out_n = w->text == NULL ? 0 : (uint32_t)strlen(w->text);
	co_wake(co);
}

NEAP_API uint32_t neap_wait_resolve(const char *name, size_t n, double timeout)
{
	struct co *co = begin(WAIT_RESOLVE, timeout);
	if (!ask(co, (struct str){ name, n }, 0, on_resolved))
		return fail(co, "this is not a name, or no resolver is there");
	return 1;
}

static void on_host_resolved(void *ctx, const struct dns_answer *answer)
{
	struct co *co = ctx;
	struct wait *w = &co->wait;
	w->query = NULL;
	w->failure = answer->failure;
	if (answer->failure != NULL)
		conn_destroy(w->conn);
	else if (!conn_dial(w->conn, answer->addrs, answer->count))
		return;
	co_wake(co);
}

static bool is_address(struct addr *a, struct str host, uint16_t port)
{
	if (str_starts_with(host, STR("unix:")))
		return addr_parse(a, host, NULL) == ERR_OK;
	return addr_of_ip(a, host, port);
}

NEAP_API uint32_t neap_wait_connect(const char *host, size_t n, uint32_t port, double timeout)
{
	struct co *co = begin(WAIT_CONNECT, timeout);
	struct wait *w = &co->wait;
	struct str name = { host, n };
	struct addr addr;
	struct conn *c = conn_create(co);
	if (c == NULL)
		return fail(co, "too many connections of one hook");
	w->conn = c;
	c->port = (uint16_t)port;
	if (is_address(&addr, name, c->port))
		return conn_dial(c, &addr, 1) ? 0 : 1;
	if (ask(co, name, c->port, on_host_resolved))
		return 1;
	conn_destroy(c);
	return fail(co, "this is not a host's name");
}

/* Begins something on a connection; it may be over at once. */
static uint32_t step(struct co *co, uint32_t id)
{
	struct wait *w = &co->wait;
	w->conn = conn_find(co, id);
	if (w->conn == NULL || !stream_is_open(&w->conn->stream))
		return fail(co, "closed");
	if (!conn_step(w->conn))
		return 1;
	w->kind = WAIT_NONE;
	return 0;
}

/* What could not be sent at once must outlive the script's string. */
static uint32_t keep_unsent(struct co *co)
{
	struct wait *w = &co->wait;
	char *copy = malloc(w->left);
	if (copy == NULL) {
		stream_watch_write(&w->conn->stream, false);
		return fail(co, "out of memory");
	}
	memcpy(copy, w->sending, w->left);
	free(w->text);
	w->text = copy;
	w->sending = copy;
	return 1;
}

NEAP_API uint32_t neap_wait_send(uint32_t conn, const char *bytes, size_t n, double timeout)
{
	struct co *co = begin(WAIT_SEND, timeout);
	co->wait.sending = bytes;
	co->wait.left = n;
	return step(co, conn) != 0 ? keep_unsent(co) : 0;
}

NEAP_API uint32_t neap_wait_line(uint32_t conn, double timeout)
{
	return step(begin(WAIT_LINE, timeout), conn);
}

NEAP_API uint32_t neap_wait_bytes(uint32_t conn, size_t n, double timeout)
{
	struct co *co = begin(WAIT_BYTES, timeout);
	co->wait.left = n;
	return step(co, conn);
}

NEAP_API uint32_t neap_wait_all(uint32_t conn, double timeout)
{
	return step(begin(WAIT_ALL, timeout), conn);
}

NEAP_API uint32_t neap_wait_some(uint32_t conn, size_t max, double timeout)
{
	struct co *co = begin(WAIT_SOME, timeout);
	co->wait.left = max;
	return step(co, conn);
}

static bool prepare_answer(struct conn *c)
{
	if (c->answer == NULL)
		c->answer = malloc(sizeof *c->answer);
	struct conn_answer *a = c->answer;
	if (a == NULL)
		return false;
	a->limits = (struct http_limits){ .header_bytes = 65536,
					  .uri_bytes = 8192,
					  .headers = IO_HEADERS_MAX };
	a->has_head = false;
	a->interims = 0;
	a->body_n = a->body_at = 0;
	h1_head_init(&a->head, true, a->fields, &a->limits);
	return true;
}

NEAP_API uint32_t neap_wait_response(uint32_t conn, uint32_t flags, size_t body_max, double timeout)
{
	struct co *co = begin(WAIT_RESPONSE, timeout);
	struct conn *c = conn_find(co, conn);
	if (c == NULL || !prepare_answer(c))
		return fail(co, c == NULL ? "closed" : "out of memory");
	co->wait.is_head = (flags & 1) != 0;
	co->wait.is_cut = (flags & 2) != 0;
	co->wait.body_max = body_max;
	return step(co, conn);
}

NEAP_API uint32_t neap_shortages(void)
{
	return vm_current()->shortages;
}

static void on_pinged(struct ping *p, int sys)
{
	struct co *co = p->owner;
	co->wait.failure = sys == 0 ? NULL : sock_err_text(sys);
	co->vm->shortages += sock_err_is_shortage(sys);
	co_wake(co);
}

NEAP_API uint32_t neap_wait_ping(const char *ip, size_t n, double timeout)
{
	struct co *co = begin(WAIT_PING, timeout);
	struct addr to;
	if (!addr_of_ip(&to, (struct str){ ip, n }, 0))
		return fail(co, "this is not an IP address");
	struct ping *p = co->wait.ping = malloc(sizeof *p);
	if (p == NULL)
		return fail(co, "out of memory");
	int sys = ping_start(p, co->vm->o.loop, &to, on_pinged);
	p->owner = co;
	co->vm->shortages += sock_err_is_shortage(sys);
	return sys == 0 ? 1 : fail(co, sock_err_text(sys));
}

/* The error's text outlives this call: Lua copies it at once. */
NEAP_API uint32_t neap_ping_check(void)
{
	static struct error e;
	if (ping_check(&e) == ERR_OK)
		return 1;
	vm_current()->current.out = e.text;
	vm_current()->current.out_n = (uint32_t)strlen(e.text);
	return 0;
}

NEAP_API const char *neap_wait_failure(void)
{
	return co_running(vm_current())->wait.failure;
}

NEAP_API uint32_t neap_wait_conn(void)
{
	const struct conn *c = co_running(vm_current())->wait.conn;
	return c == NULL ? 0 : c->id;
}

static const struct conn_answer *answer_of(const struct co *co)
{
	return co->wait.conn == NULL ? NULL : co->wait.conn->answer;
}

NEAP_API uint32_t neap_wait_status(void)
{
	const struct conn_answer *a = answer_of(co_running(vm_current()));
	return a == NULL ? 0 : a->head.status;
}

NEAP_API uint32_t neap_wait_ttl(void)
{
	return co_running(vm_current())->wait.ttl_s;
}

NEAP_API uint32_t neap_wait_headers(void)
{
	struct vm *vm = vm_current();
	const struct co *co = co_running(vm);
	const struct conn_answer *a = answer_of(co);
	if (a == NULL)
		return 0;
	vm->current.out = co->wait.conn->bytes + a->head.fields_at;
	vm->current.out_n = a->head.bytes - a->head.fields_at;
	return 1;
}

NEAP_API void neap_conn_close(uint32_t conn)
{
	struct co *co = co_running(vm_current());
	struct conn *c = co == NULL ? NULL : conn_find(co, conn);
	if (c != NULL)
		conn_destroy(c);
}
