#include "net/dns.h"

#include <ares.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_CHARS = 253, LABEL_MAX_CHARS = 63 };

static const char no_address[] = "the name has no address";
static const char timed_out[] = "timed out";

struct dns {
	struct loop *loop;
	ares_channel channel; /* the servers */
	ares_channel hosts;   /* the hosts file: answers within the call */
	ev_timer ticker;      /* c-ares' own deadlines: asking a server again, or the next one */
	struct list queries;
	struct list sockets;
};

/* A socket of c-ares, for as long as it wants to hear of it. */
struct dns_socket {
	struct list node;
	struct dns *dns;
	ev_io io;
};

/* Lives until it has been answered (or cancelled) and c-ares has called back for each family. */
struct dns_query {
	struct list node;
	struct dns *dns;   /* not to be used once the query is over: it may be gone */
	struct loop *loop; /* lives longer */
	ev_timer deadline;
	struct deferred delivery;
	unsigned in_ares;
	bool asking;	 /* the questions are being put: c-ares may answer within */
	bool delivering; /* on_done is on the stack */
	uint16_t port;
	void (*on_done)(void *ctx, const struct dns_answer *answer); /* NULL: over */
	void *ctx;
	unsigned v4_count; /* these are the first in the answer */
	struct dns_answer answer;
};

/* c-ares' next deadline may be another one after each call into it. */
static void ticker_update(struct dns *d)
{
	struct timeval t;

	ev_timer_stop(d->loop->ev, &d->ticker);
	if (ares_timeout(d->channel, NULL, &t) == NULL)
		return;
	ev_timer_set(&d->ticker, (double)t.tv_sec + (double)t.tv_usec / 1e6, 0.);
	ev_timer_start(d->loop->ev, &d->ticker);
}

static void ticker_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct dns *d = container_of(w, struct dns, ticker);

	(void)ev;
	(void)events;
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	ticker_update(d);
}

static void socket_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct dns_socket *s = container_of(w, struct dns_socket, io);
	struct dns *d = s->dns;
	int fd = w->fd;

	(void)ev;
	/* May close the socket, which frees s. */
	ares_process_fd(d->channel, (events & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
			(events & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	ticker_update(d);
}

static struct dns_socket *socket_of(struct dns *d, int fd)
{
	for (struct list *n = d->sockets.next; n != &d->sockets; n = n->next) {
		struct dns_socket *s = container_of(n, struct dns_socket, node);

		if (s->io.fd == fd)
			return s;
	}
	/* Without memory the socket is not heard of and its queries time out. */
	struct dns_socket *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->dns = d;
	ev_io_init(&s->io, socket_cb, fd, 0);
	list_append(&d->sockets, &s->node);
	return s;
}

static void socket_free(struct dns_socket *s)
{
	ev_io_stop(s->dns->loop->ev, &s->io);
	list_remove(&s->node);
	free(s);
}

/* Neither readable nor writable: c-ares is about to close it. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = data;
	struct dns_socket *s = socket_of(d, fd);
	int events = (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);

	if (s == NULL)
		return;
	if (events == 0) {
		socket_free(s);
		return;
	}
	ev_io_stop(d->loop->ev, &s->io);
	ev_io_set(&s->io, fd, events);
	ev_io_start(d->loop->ev, &s->io);
}

/* Frees what nobody holds any more. */
static void query_release(struct dns_query *q)
{
	if (q->on_done != NULL || q->in_ares > 0 || q->asking || q->delivering)
		return;
	list_remove(&q->node);
	free(q);
}

/* No answer is wanted any more, but c-ares may still hold the query. */
static void query_end(struct dns_query *q)
{
	ev_timer_stop(q->loop->ev, &q->deadline);
	loop_defer_cancel(&q->delivery);
	q->on_done = NULL;
}

static void deliver(struct deferred *self)
{
	struct dns_query *q = container_of(self, struct dns_query, delivery);
	void (*on_done)(void *ctx, const struct dns_answer *answer) = q->on_done;

	query_end(q);
	if (q->answer.count > 0)
		q->answer.failure = NULL;
	else if (q->answer.failure == NULL)
		q->answer.failure = no_address;
	q->delivering = true;
	on_done(q->ctx, &q->answer); /* may destroy the resolver */
	q->delivering = false;
	query_release(q);
}

static void deliver_soon(struct dns_query *q)
{
	loop_defer(q->loop, &q->delivery);
}

static void deadline_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	struct dns_query *q = container_of(w, struct dns_query, deadline);

	(void)ev;
	(void)events;
	q->answer.failure = timed_out; /* if the other family has not answered either */
	deliver_soon(q);
}

static const char *failure_text(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
		return "no such name";
	case ARES_ENODATA:
		return no_address;
	case ARES_ETIMEOUT:
		return timed_out;
	case ARES_ECONNREFUSED: /* c-ares says so of servers that answer SERVFAIL or REFUSED too */
	case ARES_ESERVFAIL:
	case ARES_EREFUSED:
		return "no DNS server gave an answer";
	case ARES_EBADNAME:
	case ARES_EFORMERR:
		return "not a valid name";
	case ARES_EBADRESP:
		return "the DNS server's answer makes no sense";
	case ARES_ENOMEM:
		return "out of memory";
	default:
		return "the name cannot be resolved";
	}
}

static bool has_address(const struct dns_answer *answer, const struct addr *a)
{
	for (unsigned i = 0; i < answer->count; i++) {
		if (addr_equal(&answer->addrs[i], a))
			return true;
	}
	return false;
}

/* IPv4 goes in front of IPv6, whichever came first; also when there are more than fit. */
static void add_address(struct dns_query *q, const struct addr *a)
{
	struct dns_answer *answer = &q->answer;
	bool v4 = a->u.sa.sa_family == AF_INET;
	unsigned at = v4 ? q->v4_count : answer->count;

	if (has_address(answer, a))
		return;
	if (answer->count == DNS_ADDRS_MAX) {
		if (at == DNS_ADDRS_MAX)
			return;
		answer->count--;
	}
	memmove(&answer->addrs[at + 1], &answer->addrs[at],
		(answer->count - at) * sizeof(answer->addrs[0]));
	answer->addrs[at] = *a;
	answer->count++;
	q->v4_count += v4;
}

static void note_ttl(struct dns_answer *answer, int ttl_s)
{
	if (ttl_s > 0 && (answer->ttl_s == 0 || (uint32_t)ttl_s < answer->ttl_s))
		answer->ttl_s = (uint32_t)ttl_s;
}

static bool addr_of_node(struct addr *a, const struct ares_addrinfo_node *node, uint16_t port)
{
	*a = (struct addr){ .len = node->ai_addrlen };
	if (node->ai_addr == NULL || node->ai_addrlen > sizeof(a->u))
		return false;
	if (node->ai_family != AF_INET && node->ai_family != AF_INET6)
		return false;
	memcpy(&a->u, node->ai_addr, node->ai_addrlen);
	addr_set_port(a, port);
	return true;
}

static void note_result(struct dns_query *q, const struct ares_addrinfo *result)
{
	struct addr a;

	for (const struct ares_addrinfo_node *n = result->nodes; n != NULL; n = n->ai_next) {
		if (!addr_of_node(&a, n, q->port))
			continue;
		add_address(q, &a);
		note_ttl(&q->answer, n->ai_ttl);
	}
	for (const struct ares_addrinfo_cname *c = result->cnames; c != NULL; c = c->next)
		note_ttl(&q->answer, c->ttl);
}

/* One family has been answered; may be inside dns_resolve (hosts file) or ares_destroy. */
static void on_ares(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
	struct dns_query *q = data;

	(void)timeouts;
	q->in_ares--;
	if (q->on_done == NULL) {
		query_release(q);
	} else {
		if (status == ARES_SUCCESS && result != NULL)
			note_result(q, result);
		else if (q->answer.failure == NULL || q->answer.failure == no_address)
			q->answer.failure = failure_text(status);
		if (q->in_ares == 0 && !q->asking)
			deliver_soon(q);
	}
	ares_freeaddrinfo(result);
}

/* Letters, digits, - and _ in labels; a last label of digits alone would be a broken IPv4 address.
 */
static bool label_is_valid(struct str label, bool last)
{
	bool digits = true;

	if (label.n == 0 || label.n > LABEL_MAX_CHARS)
		return false;
	for (size_t i = 0; i < label.n; i++) {
		char c = str_lower_char(label.p[i]);
		bool digit = c >= '0' && c <= '9';

		if (!digit && !(c >= 'a' && c <= 'z') && c != '-' && c != '_')
			return false;
		digits = digits && digit;
	}
	return !last || !digits;
}

static bool name_is_valid(struct str name)
{
	struct str label;

	if (name.n > 0 && name.p[name.n - 1] == '.') /* the root, RFC 1034 §3.1 */
		name.n--;
	if (name.n == 0 || name.n > NAME_MAX_CHARS)
		return false;
	while (str_split(&name, '.', &label)) {
		if (!label_is_valid(label, name.p == NULL))
			return false;
	}
	return true;
}

static void ask_family(struct dns_query *q, ares_channel whom, const char *name, int family)
{
	struct ares_addrinfo_hints hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = ARES_AI_NOSORT, /* its sorting opens sockets */
	};

	q->in_ares++;
	ares_getaddrinfo(whom, name, NULL, &hints, on_ares, q);
}

/*
 * The hosts file first: a name in there is not asked about elsewhere, even when only one family is
 * listed. Then the servers, with two questions and not one of AF_UNSPEC, which would wait for both
 * answers: servers exist that never answer to AAAA.
 */
static void ask(struct dns_query *q, const char *name)
{
	q->asking = true;
	ask_family(q, q->dns->hosts, name, AF_UNSPEC);
	if (q->answer.count == 0) {
		q->answer.failure = NULL;
		ask_family(q, q->dns->channel, name, AF_INET);
		ask_family(q, q->dns->channel, name, AF_INET6);
	}
	q->asking = false;
	if (q->in_ares == 0)
		deliver_soon(q);
	ticker_update(q->dns);
}

struct dns_query *dns_resolve(struct dns *d, const char *name, uint16_t port, uint32_t timeout_ms,
			      void (*on_done)(void *ctx, const struct dns_answer *answer),
			      void *ctx)
{
	struct dns_query *q = calloc(1, sizeof(*q));
	struct addr literal;

	if (q == NULL)
		return NULL;
	q->dns = d;
	q->loop = d->loop;
	q->port = port;
	q->on_done = on_done;
	q->ctx = ctx;
	deferred_init(&q->delivery, deliver);
	ev_timer_init(&q->deadline, deadline_cb, timeout_ms / 1000., 0.);
	list_append(&d->queries, &q->node);
	if (addr_of_ip(&literal, str_of(name), port)) {
		add_address(q, &literal);
		deliver_soon(q);
	} else if (!name_is_valid(str_of(name))) {
		q->answer.failure = "not a valid name";
		deliver_soon(q);
	} else {
		ev_timer_start(d->loop->ev, &q->deadline);
		ask(q, name);
	}
	return q;
}

void dns_cancel(struct dns_query *q)
{
	if (q == NULL)
		return;
	query_end(q);
	query_release(q);
}

enum err dns_use_servers(struct dns *d, const char *servers, struct error *e)
{
	int status = ares_set_servers_ports_csv(d->channel, servers);

	if (status != ARES_SUCCESS)
		return err_set(e, ERR_INVALID, "DNS servers \"%s\": %s", servers,
			       ares_strerror(status));
	return ERR_OK;
}

static int channels_init(struct dns *d)
{
	char hosts[] = "f", servers[] = "b";
	struct ares_options options = {
		.lookups = hosts,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = d,
	};
	int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS;
	int status = ares_init_options(&d->hosts, &options, mask);

	if (status != ARES_SUCCESS)
		return status;
	options.lookups = servers;
	status = ares_init_options(&d->channel, &options, mask);
	if (status != ARES_SUCCESS)
		ares_destroy(d->hosts);
	return status;
}

enum err dns_create(struct dns **to, struct loop *loop, struct error *e)
{
	struct dns *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return err_set(e, ERR_MEMORY, "out of memory for a resolver");
	d->loop = loop;
	list_init(&d->queries);
	list_init(&d->sockets);
	ev_timer_init(&d->ticker, ticker_cb, 0., 0.);
	int status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS) {
		status = channels_init(d);
		if (status != ARES_SUCCESS)
			ares_library_cleanup();
	}
	if (status != ARES_SUCCESS) {
		free(d);
		return err_set(e, ERR_SYSTEM, "cannot make a resolver: %s", ares_strerror(status));
	}
	*to = d;
	return ERR_OK;
}

void dns_destroy(struct dns *d)
{
	struct list *n, *next;

	if (d == NULL)
		return;
	for (n = d->queries.next; n != &d->queries; n = next) {
		struct dns_query *q = container_of(n, struct dns_query, node);

		next = n->next;
		list_remove(n); /* one may outlive us: the one whose on_done called this */
		dns_cancel(q);
	}
	ares_destroy(d->hosts);
	ares_destroy(d->channel); /* calls on_ares for what is in flight: that frees it */
	ares_library_cleanup();
	while ((n = list_first(&d->sockets)) != NULL)
		socket_free(container_of(n, struct dns_socket, node));
	ev_timer_stop(d->loop->ev, &d->ticker);
	free(d);
}
