#include "net/dns.h"

#include <ares.h>
#include <stdlib.h>
#include <string.h>

#include "net/resolv_conf.h"

enum { NAME_MAX_CHARS = 253, LABEL_MAX_CHARS = 63 };

/*
 * When a server has not answered in this time, the next one is asked, too. An answer of the first
 * still counts. The time is short beside the limit of a lookup (5 s): with c-ares' usual time
 * nothing would be left for the other servers.
 */
enum { SERVER_MS = 1000 };

/* When one family has answered, the other has this much longer (RFC 8305 §3; generous). */
static const double half_s = 0.25;

static const char no_address[] = "the name has no address";
static const char timed_out[] = "timed out";

struct dns {
	struct loop *loop;
	ares_channel channel; /* the servers */
	ares_channel hosts;   /* the hosts file: answers within the call */
	ev_timer ticker;      /* c-ares' own deadlines: asking a server again, or the next one */
	struct list queries;
	struct list sockets;
	struct resolv_conf resolv_conf;
	unsigned changes;     /* how often it has changed */
	bool has_own_servers; /* those of dns_use_servers: resolv.conf does not count */
	bool is_moving;	      /* it goes over to other servers: what is in flight is asked again */
};

enum asked { NOT_ASKED, ASKED, ANSWERED, UNANSWERED, TO_ASK_AGAIN };

/* One question of a query: the hosts file, or the servers about one family. */
struct question {
	struct dns_query *query;
	int family;
	uint8_t state; /* enum asked */
};

enum { HOSTS, V4, V6, QUESTIONS };

/* A socket of c-ares, while c-ares wants to hear of it. */
struct dns_socket {
	struct list node;
	struct dns *dns;
	ev_io io;
};

/* Lives until it was answered (or cancelled) and c-ares has called back for each question. */
struct dns_query {
	struct list node;
	struct dns *dns;   /* not to be used after the query is over: it may be gone */
	struct loop *loop; /* lives longer */
	ev_timer deadline;
	struct deferred delivery;
	unsigned in_ares;
	bool asking;	 /* questions are being put: c-ares may answer inside that call */
	bool delivering; /* on_done is on the stack */
	uint16_t port;
	char name[NAME_MAX_CHARS + 2]; /* a valid one, the dot of the root included */
	struct question questions[QUESTIONS];
	void (*on_done)(void *ctx, const struct dns_answer *answer); /* NULL: over */
	void *ctx;
	unsigned v4_count; /* addresses of IPv4, the first ones in the answer */
	struct dns_answer answer;
};

/* Each call into c-ares may change its next deadline. */
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
	(void)dns_changes(d);
	ticker_update(d);
}

static void dns_socket_cb(struct ev_loop *ev, ev_io *w, int events)
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
	/* Without memory nobody watches the socket, and its queries time out. */
	struct dns_socket *s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->dns = d;
	ev_io_init(&s->io, dns_socket_cb, fd, 0);
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

/* Frees the query when nothing refers to it any more. */
static void query_release(struct dns_query *q)
{
	if (q->on_done != NULL || q->in_ares > 0 || q->asking || q->delivering)
		return;
	list_remove(&q->node);
	free(q);
}

/* No answer is wanted any more, but c-ares may still refer to the query. */
static void query_end(struct dns_query *q)
{
	ev_timer_stop(q->loop->ev, &q->deadline);
	loop_defer_cancel(&q->delivery);
	q->on_done = NULL;
}

/* The family that has no answer, of a query that has addresses of the other one. */
static int missing_family(const struct dns_query *q)
{
	for (int i = V4; i < QUESTIONS; i++) {
		if (q->questions[i].state == ASKED || q->questions[i].state == UNANSWERED)
			return q->questions[i].family;
	}
	return AF_UNSPEC;
}

static void deliver_answer(struct deferred *self)
{
	struct dns_query *q = container_of(self, struct dns_query, delivery);
	void (*on_done)(void *ctx, const struct dns_answer *answer) = q->on_done;

	query_end(q);
	if (q->answer.count > 0)
		q->answer.failure = NULL;
	else if (q->answer.failure == NULL)
		q->answer.failure = no_address;
	q->answer.missing = q->answer.count > 0 ? missing_family(q) : AF_UNSPEC;
	q->delivering = true;
	on_done(q->ctx, &q->answer); /* may destroy the resolver */
	q->delivering = false;
	query_release(q);
}

static void deliver_soon(struct dns_query *q)
{
	loop_defer(q->loop, &q->delivery);
}

static void query_deadline_cb(struct ev_loop *ev, ev_timer *w, int events)
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
	case ARES_ECONNREFUSED: /* also for servers that answer SERVFAIL or REFUSED */
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

/* IPv4 comes before IPv6, whichever was answered first, also when not all addresses fit. */
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
	if (ttl_s >= 0 && (answer->ttl_s < 0 || ttl_s < answer->ttl_s))
		answer->ttl_s = ttl_s;
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

/* The hosts file has no times to live. */
static void note_result(struct dns_query *q, const struct ares_addrinfo *result, bool has_ttl)
{
	struct addr a;

	for (const struct ares_addrinfo_node *n = result->nodes; n != NULL; n = n->ai_next) {
		if (!addr_of_node(&a, n, q->port))
			continue;
		add_address(q, &a);
		if (has_ttl)
			note_ttl(&q->answer, n->ai_ttl);
	}
	for (const struct ares_addrinfo_cname *c = result->cnames; c != NULL && has_ttl;
	     c = c->next)
		note_ttl(&q->answer, c->ttl);
}

/* One family is answered: it does not wait long for the other. */
static void hurry(struct dns_query *q)
{
	if (ev_timer_remaining(q->loop->ev, &q->deadline) <= half_s)
		return;
	ev_timer_stop(q->loop->ev, &q->deadline);
	ev_timer_set(&q->deadline, half_s, 0.);
	ev_timer_start(q->loop->ev, &q->deadline);
}

static void take_reply(struct question *of, int status, const struct ares_addrinfo *result)
{
	struct dns_query *q = of->query;

	of->state = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND
			    ? ANSWERED
			    : UNANSWERED;
	if (status == ARES_SUCCESS && result != NULL)
		note_result(q, result, of != &q->questions[HOSTS]);
	else if (q->answer.failure == NULL || q->answer.failure == no_address)
		q->answer.failure = failure_text(status);
	if (q->asking)
		return;
	if (q->in_ares == 0)
		deliver_soon(q);
	else if (q->answer.count > 0)
		hurry(q);
}

/* One question is answered, perhaps inside dns_resolve (hosts file) or ares_destroy. */
static void on_ares(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
	struct question *of = data;
	struct dns_query *q = of->query;

	(void)timeouts;
	q->in_ares--;
	if (q->on_done == NULL)
		query_release(q);
	else if (q->dns->is_moving)
		of->state = TO_ASK_AGAIN;
	else
		take_reply(of, status, result);
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

static void put_question(struct dns_query *q, ares_channel whom, unsigned number, int family)
{
	struct ares_addrinfo_hints hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = ARES_AI_NOSORT, /* its sorting opens sockets */
	};

	q->questions[number] = (struct question){ q, family, ASKED };
	q->in_ares++;
	ares_getaddrinfo(whom, q->name, NULL, &hints, on_ares, &q->questions[number]);
}

static void ask_again(struct dns_query *q)
{
	bool is_any = false;

	q->asking = true;
	for (unsigned i = V4; i < QUESTIONS; i++) {
		if (q->questions[i].state != TO_ASK_AGAIN)
			continue;
		put_question(q, q->dns->channel, i, q->questions[i].family);
		is_any = true;
	}
	q->asking = false;
	if (is_any && q->in_ares == 0)
		deliver_soon(q);
}

/*
 * The hosts file comes first: a name in it is not asked about elsewhere, even when only one family
 * is listed. The servers come next. They get two questions instead of one of AF_UNSPEC, which would
 * wait for both answers: some servers never answer AAAA.
 */
static void put_all_questions(struct dns_query *q)
{
	q->asking = true;
	put_question(q, q->dns->hosts, HOSTS, AF_UNSPEC);
	if (q->answer.count == 0) {
		q->answer.failure = NULL;
		put_question(q, q->dns->channel, V4, AF_INET);
		put_question(q, q->dns->channel, V6, AF_INET6);
	}
	q->asking = false;
	if (q->in_ares == 0)
		deliver_soon(q);
	ticker_update(q->dns);
}

static int make_channel(struct dns *d, ares_channel *to, const char *lookups)
{
	char words[2] = { lookups[0], '\0' };
	struct ares_options options = {
		.timeout = SERVER_MS,
		.lookups = words,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = d,
	};

	return ares_init_options(to, &options,
				 ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS);
}

/* What is in flight is asked again: mostly the former servers do not answer. */
static void move_to_new_servers(struct dns *d)
{
	ares_channel old = d->channel, fresh;

	if (make_channel(d, &fresh, "b") != ARES_SUCCESS)
		return; /* perhaps the file is half written: it will change once more */
	d->is_moving = true;
	ares_destroy(old);
	d->is_moving = false;
	d->channel = fresh;
	for (struct list *n = d->queries.next, *next; n != &d->queries; n = next) {
		next = n->next;
		ask_again(container_of(n, struct dns_query, node));
	}
}

unsigned dns_changes(struct dns *d)
{
	if (d->has_own_servers || !resolv_conf_is_new(&d->resolv_conf, loop_now_ms(d->loop)))
		return d->changes;
	move_to_new_servers(d);
	ticker_update(d);
	return ++d->changes;
}

struct loop *dns_loop(const struct dns *d)
{
	return d->loop;
}

struct ares_channeldata *dns_channel(const struct dns *d)
{
	return d->channel;
}

void dns_used(struct dns *d)
{
	ticker_update(d);
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
	q->answer.ttl_s = -1;
	deferred_init(&q->delivery, deliver_answer);
	ev_timer_init(&q->deadline, query_deadline_cb, timeout_ms / 1000., 0.);
	list_append(&d->queries, &q->node);
	if (addr_of_ip(&literal, str_of(name), port)) {
		add_address(q, &literal);
		deliver_soon(q);
	} else if (!name_is_valid(str_of(name))) {
		q->answer.failure = "not a valid name";
		deliver_soon(q);
	} else {
		ev_timer_start(d->loop->ev, &q->deadline);
		(void)str_copy(q->name, sizeof(q->name), str_of(name)); /* valid ones fit */
		(void)dns_changes(d);
		put_all_questions(q);
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
	d->has_own_servers = true;
	return ERR_OK;
}

static int make_channels(struct dns *d)
{
	int status = make_channel(d, &d->hosts, "f");

	if (status != ARES_SUCCESS)
		return status;
	status = make_channel(d, &d->channel, "b");
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
	resolv_conf_init(&d->resolv_conf, loop_now_ms(loop));
	int status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS) {
		status = make_channels(d);
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
		list_remove(n); /* the query whose on_done called this outlives the resolver */
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
