#include "exchange/flows.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/dice.h"
#include "net/trim.h"

enum {
	ROUNDS = 4, /* reads of one port in a turn, so that the others have theirs */
	FILES_MARGIN = 64,
	PORTS_MAX = 60000,
	FLOWS_MAX = 1 << 30, /* of all services; memory ends before */
};

bool flows_are_wanted(const struct conf *c)
{
	for (unsigned i = 0; i < c->services_n; i++)
		if (c->services[i].is_udp)
			return true;
	return false;
}

/* ---- answers ---- */

static void flush(struct flows *all)
{
	udp_outbox_flush(all->to_clients);
	all->answers_n = 0;
}

static void on_flush(struct deferred *d)
{
	flush(container_of(d, struct flows, flush));
}

static void read_troubles(struct flows *all, struct flow_port *port)
{
	struct udp_addr to;
	int sys;
	for (unsigned i = 0; i < UDP_BATCH && udp_socket_trouble(&port->socket, &to, &sys); i++)
		all->on_trouble(port, &to, sys);
}

static bool read_some(struct flows *all, struct flow_port *port)
{
	struct datagram d;
	bool more;
	if (all->answers_n == UDP_BATCH)
		flush(all);
	unsigned first = all->answers_n;
	unsigned n = udp_socket_read(&port->socket, all->answers, first, UDP_BATCH - first, &more);
	all->answers_n += n;
	for (unsigned i = 0; i < n; i++) {
		udp_batch_at(all->answers, first + i, &d);
		all->on_answer(port, &d);
	}
	if (n == 0)
		read_troubles(all, port);
	return more;
}

static void on_readable(struct udp_socket *s)
{
	struct flow_port *port = container_of(s, struct flow_port, socket);
	struct flows *all = port->ports->owner;
	for (unsigned i = 0; i < ROUNDS && read_some(all, port); i++)
		;
	loop_note_beat(all->plane->loop);
	loop_defer(all->plane->loop, &all->flush);
}

/* ---- life ---- */

static uint32_t most_flows(const struct conf *c)
{
	uint64_t most = 0;
	for (unsigned i = 0; i < c->services_n; i++)
		most += c->services[i].is_udp ? c->services[i].limits.udp_sessions : 0;
	return most < FLOWS_MAX ? (uint32_t)most : FLOWS_MAX;
}

static size_t flow_bytes(const struct conf *c)
{
	for (unsigned i = 0; i < c->services_n; i++)
		for (unsigned k = 0; k < c->services[i].listens; k++)
			if (c->services[i].is_udp && c->services[i].listen[k].proxy_protocol)
				return sizeof(struct flow) + sizeof(struct udp_addr);
	return sizeof(struct flow);
}

/* Half of the files: the other services have connections, and every worker begins with few. */
static uint32_t most_ports(void)
{
	struct rlimit now = { .rlim_cur = 1024 };
	(void)getrlimit(RLIMIT_NOFILE, &now); /* else as few as may be had anywhere */
	uint64_t n = now.rlim_cur > 2 * FILES_MARGIN ? (now.rlim_cur - FILES_MARGIN) / 2 : 16;
	return n > PORTS_MAX ? PORTS_MAX : (uint32_t)n;
}

static void on_loss(const void *whose, int sys, uint32_t n, size_t bytes)
{
	const struct service *s = whose;
	flow_drop_unsent(&s->plane->flows->drops, s, sys, n, bytes);
}

static bool make_parts(struct flows *all)
{
	all->in = udp_batch_create();
	all->answers = udp_batch_create();
	all->to_backends = udp_outbox_create(on_loss);
	all->to_clients = udp_outbox_create(on_loss);
	all->spare = slab_take(&all->cases);
	return all->in != NULL && all->answers != NULL && all->to_backends != NULL &&
	       all->to_clients != NULL && all->spare != NULL &&
	       flow_table_init(&all->by_client, all->max / 2) &&
	       flow_table_init(&all->by_answer, all->max / 2);
}

static bool is_veiled(const struct conf *c)
{
	for (unsigned i = 0; i < c->pools_n; i++)
		if (c->pools[i].is_veiled)
			return true;
	return false;
}

static void init_ports(struct flows *all)
{
	static const int families[] = { AF_INET, AF_INET6 };
	for (unsigned i = 0; i < countof(families); i++) {
		struct flow_ports *p = &all->ports[i];
		p->loop = all->plane->loop;
		p->family = families[i];
		p->is_veiled = is_veiled(all->plane->conf);
		p->max = most_ports();
		p->on_readable = on_readable;
		p->owner = all;
		flow_ports_init(p, all->plane->timers);
	}
}

enum err flows_create(struct plane *p, size_t case_bytes, struct error *e)
{
	if (!flows_are_wanted(p->conf))
		return ERR_OK;
	if (is_veiled(p->conf) && udp_socket_may_veil(e) != ERR_OK)
		return ERR_SYSTEM;
	struct flows *all = p->flows = calloc(1, sizeof(*all));
	if (all == NULL)
		return err_set(e, ERR_MEMORY, "no memory for flows");
	all->plane = p;
	all->max = most_flows(p->conf);
	all->seed = dice_bits();
	all->made_ms = loop_now_ms(p->loop);
	list_init(&all->gates);
	list_init(&all->held);
	list_init(&all->held_blocks);
	list_init(&all->waiting);
	deferred_init(&all->flush, on_flush);
	trim_slab_init(p->loop, &all->of, flow_bytes(p->conf), all->max);
	trim_slab_init(p->loop, &all->cases, case_bytes, all->max + 1);
	init_ports(all);
	return make_parts(all) ? ERR_OK : err_set(e, ERR_MEMORY, "no memory for flows");
}

enum err flows_create_keys(struct plane *p, const struct services *services, struct error *e)
{
	struct flows *all = p->flows;
	bool is_asked = false;
	for (unsigned i = 0; i < services->n; i++)
		is_asked = is_asked || services->of[i].asks_key;
	if (all == NULL || !is_asked)
		return ERR_OK;
	all->keys = flow_keys_create(p->loop, all->max);
	return all->keys != NULL ? ERR_OK : err_set(e, ERR_MEMORY, "no memory for keys of flows");
}

void flows_destroy(struct plane *p)
{
	struct flows *all = p->flows;
	if (all == NULL)
		return;
	p->flows = NULL;
	loop_defer_cancel(&all->flush);
	flow_ports_fini(&all->ports[0]);
	flow_ports_fini(&all->ports[1]);
	udp_batch_destroy(all->in);
	udp_batch_destroy(all->answers);
	udp_outbox_destroy(all->to_backends);
	udp_outbox_destroy(all->to_clients);
	flow_table_fini(&all->by_client);
	flow_table_fini(&all->by_answer);
	flow_keys_destroy(all->keys);
	slab_put(&all->cases, all->spare);
	slab_fini(&all->cases);
	slab_fini(&all->of);
	free(all);
}

/* ---- finding ---- */

/* Senders that speak for others may all claim one address: each has a chain of its own. */
static uint32_t hash_client(const struct flows *all, const struct flow_gate *g,
			    const struct datagram *d)
{
	uint64_t seed = g->is_proxied ? udp_addr_hash(datagram_sender(d), all->seed) : all->seed;
	return (uint32_t)udp_addr_hash(&d->peer, seed);
}

static uint32_t hash_answer(const struct flows *all, const struct flow_port *port,
			    const struct udp_addr *from)
{
	return (uint32_t)udp_addr_hash(from, all->seed + port->number);
}

struct flow *flows_find_client(const struct flows *all, const struct flow_gate *g,
			       const struct datagram *d)
{
	uint32_t hash = hash_client(all, g, d);
	struct flow_link *l = flow_table_first(&all->by_client, hash);
	for (; l != NULL; l = flow_table_skip(l->next, hash)) {
		struct flow *f = container_of(l, struct flow, by_client);
		if (f->gate == g && udp_addr_equal(&f->client, &d->peer) &&
		    udp_local_equal(&f->local, &d->local) &&
		    (!g->is_proxied || udp_addr_equal(f->via, datagram_sender(d))))
			return f;
	}
	return NULL;
}

struct flow *flows_find_answer(const struct flows *all, const struct flow_port *port,
			       const struct udp_addr *from)
{
	uint32_t hash = hash_answer(all, port, from);
	struct flow_link *l = flow_table_first(&all->by_answer, hash);
	for (; l != NULL; l = flow_table_skip(l->next, hash)) {
		struct flow *f = container_of(l, struct flow, by_answer);
		if (f->port == port && udp_addr_equal(&f->server, from))
			return f;
	}
	return NULL;
}

static bool has_ip_of(const struct flow *f, const struct udp_addr *a)
{
	struct udp_local client, other;
	sa_family_t family = f->server.u.sa.sa_family; /* a may be IPv4 in IPv6 */
	return udp_local_of(&client, &f->client, family) && udp_local_of(&other, a, family) &&
	       udp_local_equal(&client, &other);
}

/* It came here from a client's address, but a flow of that client's has that port to this place. */
static bool veil_is_back(const struct flow_ports *p, const struct flow_gate *g,
			 const struct datagram *d)
{
	const struct udp_addr *from = datagram_sender(d);
	struct udp_addr here;
	struct peer peer;
	udp_local_peer(&peer, &d->local, g->port);
	if (!udp_addr_of_peer(&here, &peer))
		return false;
	for (uint32_t i = 0; i < p->n; i++) {
		if (likely(p->of[i]->bound != udp_addr_port(from)))
			continue;
		const struct flow *f = flows_find_answer(p->owner, p->of[i], &here);
		return f != NULL && f->is_veiled && has_ip_of(f, from);
	}
	return false;
}

bool flows_is_own(const struct flow_gate *g, const struct datagram *d)
{
	const struct flows *all = g->service->plane->flows;
	const struct udp_addr *from = datagram_sender(d);
	/* A listener of both families sees our IPv4 ports as IPv4 in IPv6. */
	bool is_v6 = from->u.sa.sa_family == AF_INET6 &&
		     !IN6_IS_ADDR_V4MAPPED(&from->u.in6.sin6_addr);
	if (!flow_ports_own(&all->ports[is_v6], udp_addr_port(from)))
		return false;
	if (unlikely(all->ports[is_v6].is_veiled) && veil_is_back(&all->ports[is_v6], g, d))
		return true;
	if (d->local.family == AF_INET && from->u.sa.sa_family == AF_INET)
		return memcmp(d->local.ip, &from->u.in.sin_addr, 4) == 0;
	return d->local.family == AF_INET6 && from->u.sa.sa_family == AF_INET6 &&
	       memcmp(d->local.ip, &from->u.in6.sin6_addr, 16) == 0;
}

/* ---- one ---- */

struct flow *flows_take(struct flows *all, struct flow_gate *g, const struct datagram *d)
{
	struct flow *f = slab_take(&all->of);
	if (f == NULL)
		return NULL;
	*f = (struct flow){ .gate = g,
			    .client = d->peer,
			    .local = d->local,
			    .pool = -1,
			    .slot = -1,
			    .state = FLOW_DECIDE };
	if (g->is_proxied)
		f->via[0] = *datagram_sender(d);
	flow_table_add(&all->by_client, &f->by_client, hash_client(all, g, d));
	all->n++;
	g->service->flows_n++;
	return f;
}

void flows_leave_address(struct flow *f)
{
	flow_table_remove(&flows_of(f)->by_client, &f->by_client);
}

static bool is_same_client(const struct flow *a, const struct flow *b)
{
	return a->gate == b->gate && udp_addr_equal(&a->client, &b->client) &&
	       udp_local_equal(&a->local, &b->local) &&
	       (!a->gate->is_proxied || udp_addr_equal(a->via, b->via));
}

void flows_displace(struct flow *f)
{
	uint32_t hash = f->by_client.hash;
	struct flow_link *l = f->by_client.is_in ? f->by_client.next : NULL;
	for (l = flow_table_skip(l, hash); l != NULL; l = flow_table_skip(l->next, hash)) {
		struct flow *before = container_of(l, struct flow, by_client);
		if (!is_same_client(before, f))
			continue;
		flows_leave_address(before);
		return; /* there is never more than one */
	}
}

void flows_move(struct flow *f, struct flow_gate *g, const struct datagram *d)
{
	struct flows *all = flows_of(f);
	bool is_found_so = f->by_client.is_in;
	flows_leave_address(f);
	f->gate = g;
	f->client = d->peer;
	f->local = d->local;
	if (g->is_proxied)
		f->via[0] = *datagram_sender(d);
	if (!is_found_so)
		return;
	flow_table_add(&all->by_client, &f->by_client, hash_client(all, g, d));
	flows_displace(f);
}

void flows_unbind(struct flow *f)
{
	flows_leave_address(f);
	flow_keys_hide(flows_of(f)->keys, f->keys);
}

static bool is_taken(const struct flow_port *port, void *ctx)
{
	const struct flow *f = ctx;
	return flows_find_answer(flows_of(f), port, &f->server) != NULL;
}

void flows_reconnect(struct flow *f)
{
	struct flows *all = flows_of(f);
	flow_port_enter(f->port);
	flow_table_add(&all->by_answer, &f->by_answer, hash_answer(all, f->port, &f->server));
}

bool flows_connect(struct flow *f, int *sys)
{
	struct flows *all = flows_of(f);
	bool is_v6 = f->server.u.sa.sa_family == AF_INET6;
	f->port = flow_ports_choose(&all->ports[is_v6], is_taken, f, sys);
	if (f->port == NULL)
		return false;
	flows_reconnect(f);
	return true;
}

void flows_disconnect(struct flow *f)
{
	struct flows *all = flows_of(f);
	flow_table_remove(&all->by_answer, &f->by_answer);
	if (f->port != NULL)
		flow_port_leave(f->port);
	f->port = NULL;
}

void flows_change_port(struct flow *f)
{
	struct flows *all = flows_of(f);
	struct flow_port *before = f->port;
	int sys;
	f->port = flow_ports_choose(before->ports, is_taken, f, &sys); /* its own is taken */
	if (f->port == NULL) {
		f->port = before;
		return;
	}
	flow_port_leave(before);
	flow_table_remove(&all->by_answer, &f->by_answer);
	flows_reconnect(f);
}

void flows_put(struct flow *f)
{
	struct flows *all = flows_of(f);
	timer_stop(&f->timer);
	flows_leave_address(f);
	flow_keys_drop(all->keys, &f->keys);
	flows_disconnect(f);
	f->gate->service->flows_n--;
	slab_put(&all->of, f);
	if (--all->n == 0 && all->on_none != NULL)
		all->on_none(all->plane);
}

struct each {
	void (*call)(struct flow *f, void *ctx);
	void *ctx;
};

static void each_link(struct flow_link *link, void *ctx)
{
	const struct each *each = ctx;
	each->call(container_of(link, struct flow, by_answer), each->ctx);
}

void flows_each(struct flows *all, void (*call)(struct flow *f, void *ctx), void *ctx)
{
	struct each each = { call, ctx };
	flow_table_each(&all->by_answer, each_link, &each);
}
