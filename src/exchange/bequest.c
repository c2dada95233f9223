#include "exchange/bequest.h"

#include <stdlib.h>
#include <string.h>

#include "exchange/flow_case.h"
#include "exchange/flow_find.h"
#include "net/parcel.h"
#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_cell.h"
#include "shm/board_pool.h"

enum {
	SEND_PATIENCE_MS = 200,
	TAKE_PATIENCE_MS = 1000,
};

enum kind { KIND_GATES, KIND_PORTS, KIND_PLACES, KIND_KEYS, KIND_LONG_KEYS, KIND_FLOWS, KIND_END };

struct head {
	uint32_t kind, n;
	int64_t stamp_ms;
};

/* A backend, by the slot that it has on the giver's board. */
struct place {
	int32_t slot;
	char pool[CONF_NAME_MAX];
	char name[160];
};

/* A key of a flow, and whether it is the client's own. */
struct short_key {
	uint8_t n, is_narrow;
	char bytes[30];
};

struct long_key {
	uint8_t n, is_narrow;
	char bytes[FLOW_KEY_MAX];
};

enum { KEY_HEAD = offsetof(struct short_key, bytes) };
_Static_assert(offsetof(struct long_key, bytes) == KEY_HEAD, "both begin in the same way");

struct will {
	uint32_t gate, port;
	uint32_t keys_n;
	uint64_t keys_at; /* in the bytes of all keys, each with its head */
	int32_t slot;
	uint8_t is_bound;
	struct udp_addr client, via, server;
	struct udp_local local;
	int64_t started_us;
	uint64_t bytes;
	uint32_t first_byte_us, sent, answered;
};

/* ---- giving ---- */

struct giver {
	struct flows *all;
	int channel;
	bool is_broken; /* nobody takes it */
	void (*leave)(struct flow *f);
	uint64_t keys_at; /* of the next flow's */
	struct parcel parcel;
	uint8_t told[BOARD_BACKENDS_MAX / 8]; /* slots whose place was sent */
};

static struct head *head_of(struct parcel *p)
{
	return (struct head *)(void *)p->bytes;
}

static void flush(struct giver *g)
{
	if (!g->is_broken && g->parcel.n > sizeof(struct head))
		g->is_broken = !parcel_send(g->channel, &g->parcel, SEND_PATIENCE_MS);
	g->parcel.n = 0;
	g->parcel.fds_n = 0;
}

/* Room for one more thing of that kind, in a parcel that has only such. */
static void add(struct giver *g, enum kind kind, const void *thing, size_t n)
{
	struct parcel *p = &g->parcel;
	bool is_full = p->n + n > sizeof(p->bytes) || p->fds_n == PARCEL_FDS;
	if (p->n > 0 && (head_of(p)->kind != kind || is_full))
		flush(g);
	if (p->n == 0) {
		*head_of(p) =
			(struct head){ .kind = kind, .stamp_ms = loop_now_ms(g->all->plane->loop) };
		p->n = sizeof(struct head);
	}
	memcpy(p->bytes + p->n, thing, n);
	p->n += n;
	head_of(p)->n++;
}

static void give_gates(struct giver *g)
{
	for (struct list *n = g->all->gates.next; n != &g->all->gates; n = n->next) {
		struct udp_addr at = { 0 };
		(void)udp_socket_name(&container_of(n, struct flow_gate, node)->socket, &at);
		add(g, KIND_GATES, &at, sizeof(at));
	}
}

static void give_ports(struct giver *g, struct flow_ports *ports)
{
	flow_ports_shed(ports);
	for (uint32_t i = 0; i < ports->n; i++) {
		int family = ports->family;
		add(g, KIND_PORTS, &family, sizeof(family));
		g->parcel.fds[g->parcel.fds_n++] = udp_socket_number(&ports->of[i]->socket);
	}
}

static void give_place(struct giver *g, const struct flow *f)
{
	struct place place = { .slot = f->slot };
	uint8_t *told = &g->told[f->slot / 8], bit = (uint8_t)(1U << f->slot % 8);
	if ((*told & bit) != 0)
		return;
	*told |= bit;
	const char *pool = g->all->plane->conf->pools[f->pool].name;
	(void)str_copy(place.pool, sizeof(place.pool), str_of(pool)); /* sizes as they are */
	(void)str_copy(place.name, sizeof(place.name), str_of(f->backend->name));
	add(g, KIND_PLACES, &place, sizeof(place));
}

static uint32_t gate_number(const struct flows *all, const struct flow_gate *gate)
{
	uint32_t number = 0;
	const struct list *n = all->gates.next;
	for (; n != &all->gates && n != &gate->node; n = n->next)
		number++;
	return number;
}

static void tell_place(struct flow *f, void *ctx)
{
	give_place(ctx, f);
}

static void give_key(struct giver *g, const struct flow_key *key)
{
	struct long_key out = { .n = key->n, .is_narrow = key->client.u.sa.sa_family != 0 };
	bool is_short = key->n <= sizeof(((struct short_key *)0)->bytes);
	memcpy(out.bytes, key->bytes, key->n);
	add(g, is_short ? KIND_KEYS : KIND_LONG_KEYS, &out,
	    is_short ? sizeof(struct short_key) : sizeof(out));
}

/* Those that it is found by. */
static void give_keys(struct flow *f, void *ctx)
{
	for (const struct flow_key *key = f->keys; key != NULL; key = key->next)
		if (key->link.is_in)
			give_key(ctx, key);
}

/* The flows come in the same order as in give_keys. */
static void note_keys(struct giver *g, const struct flow *f, struct will *will)
{
	will->keys_at = g->keys_at;
	for (const struct flow_key *key = f->keys; key != NULL; key = key->next) {
		if (!key->link.is_in)
			continue;
		will->keys_n++;
		g->keys_at += KEY_HEAD + key->n;
	}
}

/* Lua keeps something of it, or a story is told: it ends here. */
static bool may_go(struct flow *f)
{
	if (f->its != NULL)
		flow_case_drop(f->its);
	return f->its == NULL;
}

static void give_flow(struct flow *f, void *ctx)
{
	struct giver *g = ctx;
	bool is_v6 = f->port->ports->family == AF_INET6;
	struct will will = { .gate = gate_number(g->all, f->gate),
			     .port = f->port->at + (is_v6 ? g->all->ports[0].n : 0),
			     .slot = f->slot,
			     .is_bound = f->by_client.is_in,
			     .client = f->client,
			     .via = *flow_sender(f),
			     .server = f->server,
			     .local = f->local,
			     .started_us = f->started_us,
			     .first_byte_us = f->first_byte_us,
			     .bytes = f->bytes,
			     .sent = f->sent,
			     .answered = f->answered };
	note_keys(g, f, &will);
	if (!may_go(f) || g->is_broken)
		return;
	add(g, KIND_FLOWS, &will, sizeof(will));
	g->leave(f);
}

/* The end comes in a parcel of its own, with nothing in it. */
static void give_end(struct giver *g)
{
	flush(g);
	*head_of(&g->parcel) = (struct head){ KIND_END, 0, loop_now_ms(g->all->plane->loop) };
	g->parcel.n = sizeof(struct head);
	(void)parcel_send(g->channel, &g->parcel, SEND_PATIENCE_MS); /* else it waits a second */
}

void bequest_give(struct flows *all, int channel, void (*leave)(struct flow *f))
{
	struct giver *g = calloc(1, sizeof(*g));
	if (g == NULL)
		return; /* its flows begin anew */
	g->all = all;
	g->channel = channel;
	g->leave = leave;
	give_gates(g);
	give_ports(g, &all->ports[0]);
	give_ports(g, &all->ports[1]);
	flows_each(all, tell_place, g);
	flows_each(all, give_keys, g);
	flows_each(all, give_flow, g);
	give_end(g);
	free(g);
}

/* ---- taking ---- */

struct bequest {
	struct flows *all;
	struct loop *loop;
	ev_io reader;
	ev_timer patience;
	int channel;
	void (*adopt)(struct flow *f);
	void (*on_done)(void *ctx);
	void *ctx;

	/* By the giver's numbers; NULL, or slot -1: it has no like here. */
	struct flow_gate **gates;
	struct flow_port **ports;
	uint32_t gates_n, ports_n;
	struct heir_place {
		int32_t slot, pool;
		uint32_t epoch;
	} * places; /* by slot of the giver's */
	char *keys; /* of all flows, as in struct will */
	size_t keys_bytes, keys_room;
	struct parcel parcel;
};

static void done(struct bequest *b)
{
	ev_io_stop(b->loop->ev, &b->reader);
	ev_timer_stop(b->loop->ev, &b->patience);
	b->on_done(b->ctx);
}

static bool grow(void *list, uint32_t n, size_t size)
{
	void **at = list;
	void *more = n % 64 == 0 ? realloc(*at, (n + 64) * size) : *at;
	if (more == NULL)
		return false;
	*at = more;
	return true;
}

static struct flow_gate *find_gate(const struct flows *all, const struct udp_addr *at)
{
	for (struct list *n = all->gates.next; n != &all->gates; n = n->next) {
		struct flow_gate *gate = container_of(n, struct flow_gate, node);
		struct udp_addr own = { 0 };
		if (udp_socket_name(&gate->socket, &own) && udp_addr_equal(&own, at))
			return gate;
	}
	return NULL;
}

/* Those after one that has no place would have the numbers of others: false ends it all. */
static bool take_gate(struct bequest *b, const void *thing)
{
	struct udp_addr at;
	memcpy(&at, thing, sizeof(at));
	if (!grow(&b->gates, b->gates_n, sizeof(struct flow_gate *)))
		return false;
	b->gates[b->gates_n++] = find_gate(b->all, &at);
	return true;
}

static struct flow_port *adopt_port(struct bequest *b, const void *thing, int fd)
{
	int family;
	memcpy(&family, thing, sizeof(family));
	return flow_ports_adopt(&b->all->ports[family == AF_INET6], fd);
}

static bool take_port(struct bequest *b, const void *thing, unsigned index)
{
	bool has_come = index < b->parcel.fds_n; /* else this process has no room for more files */
	if (!grow(&b->ports, b->ports_n, sizeof(struct flow_port *)))
		return false;
	struct flow_port *port = has_come ? adopt_port(b, thing, b->parcel.fds[index]) : NULL;
	b->ports[b->ports_n++] = port;
	return port != NULL || !has_come;
}

static int find_pool(const struct conf *c, const char *name)
{
	for (unsigned i = 0; i < c->pools_n; i++) {
		if (str_eq(str_of(c->pools[i].name), str_of(name)))
			return (int)i;
	}
	return -1;
}

static bool take_key(struct bequest *b, const void *thing, size_t size)
{
	struct short_key head;
	memcpy(&head, thing, KEY_HEAD);
	size_t n = KEY_HEAD + (size_t)head.n;
	if (n > size)
		return false;
	if (b->keys_bytes + n > b->keys_room) {
		size_t room = 2 * b->keys_room + sizeof(struct long_key);
		char *more = realloc(b->keys, room);
		if (more == NULL)
			return false;
		b->keys = more;
		b->keys_room = room;
	}
	memcpy(b->keys + b->keys_bytes, thing, n);
	b->keys_bytes += n;
	return true;
}

static void know_keys(const struct bequest *b, struct flow *f, const struct will *will)
{
	uint64_t at = will->keys_at;
	for (uint32_t i = 0;
	     i < will->keys_n && at <= b->keys_bytes && b->keys_bytes - at >= KEY_HEAD; i++) {
		struct short_key head;
		memcpy(&head, b->keys + at, KEY_HEAD);
		at += KEY_HEAD;
		if (head.n == 0 || head.n > b->keys_bytes - at)
			return;
		flow_know(f, (struct str){ b->keys + at, head.n }, head.is_narrow != 0);
		at += head.n;
	}
}

static void take_place(struct bequest *b, const void *thing)
{
	struct place place;
	memcpy(&place, thing, sizeof(place));
	place.pool[sizeof(place.pool) - 1] = place.name[sizeof(place.name) - 1] = '\0';
	if (place.slot < 0 || place.slot >= BOARD_BACKENDS_MAX)
		return;
	const struct board *board = b->all->plane->board;
	int pool = find_pool(b->all->plane->conf, place.pool);
	int row = board_pool_find(board, str_of(place.pool));
	if (pool < 0 || row < 0)
		return;
	struct heir_place *to = &b->places[place.slot];
	to->slot = board_backend_find(board, row, str_of(place.name));
	to->pool = pool;
	if (to->slot >= 0)
		to->epoch = atomic_load_explicit(&board->backends[to->slot].epoch,
						 memory_order_acquire);
}

static void fill(struct bequest *b, struct flow *f, const struct will *will)
{
	const struct heir_place *at = &b->places[will->slot];
	struct plane *p = b->all->plane;
	f->port = b->ports[will->port];
	f->server = will->server;
	f->slot = at->slot;
	f->pool = (int16_t)at->pool;
	f->epoch = at->epoch;
	f->backend = upstream_backend(&p->upstream, at->slot, at->epoch);
	f->is_headed = f->backend != NULL && f->backend->send_proxy != SEND_PROXY_NONE;
	f->is_veiled = p->conf->pools[at->pool].is_veiled;
	f->id = ++p->next_id;
	f->attempt = 1;
	f->started_us = will->started_us;
	f->first_byte_us = will->first_byte_us;
	f->bytes = will->bytes;
	f->sent = will->sent;
	f->answered = will->answered;
}

static bool has_like(const struct bequest *b, const struct will *will)
{
	return will->gate < b->gates_n && b->gates[will->gate] != NULL &&
	       (b->gates[will->gate]->is_proxied || udp_addr_equal(&will->via, &will->client)) &&
	       will->port < b->ports_n && b->ports[will->port] != NULL && will->slot >= 0 &&
	       will->slot < BOARD_BACKENDS_MAX && b->places[will->slot].slot >= 0;
}

static void take_flow(struct bequest *b, const void *thing)
{
	struct will will;
	memcpy(&will, thing, sizeof(will));
	if (!has_like(b, &will))
		return;
	struct datagram like = { .peer = will.client, .via = &will.via, .local = will.local };
	struct flow *f = flows_take(b->all, b->gates[will.gate], &like);
	if (f == NULL)
		return;
	fill(b, f, &will);
	if (f->backend == NULL) {
		f->port = NULL;
		flows_put(f);
		return;
	}
	if (will.is_bound == 0)
		flows_unbind(f);
	know_keys(b, f, &will);
	board_inflight_add(b->all->plane->board, b->all->plane->worker, f->slot, 1);
	f->slot_use = SLOT_COUNTED;
	flows_reconnect(f);
	b->adopt(f);
}

static const size_t sizes[] = {
	[KIND_GATES] = sizeof(struct udp_addr),	    [KIND_PORTS] = sizeof(int),
	[KIND_PLACES] = sizeof(struct place),	    [KIND_KEYS] = sizeof(struct short_key),
	[KIND_LONG_KEYS] = sizeof(struct long_key), [KIND_FLOWS] = sizeof(struct will)
};

static bool take_one(struct bequest *b, uint32_t kind, const void *thing, unsigned index)
{
	if (kind == KIND_GATES)
		return take_gate(b, thing);
	if (kind == KIND_PORTS)
		return take_port(b, thing, index);
	if (kind == KIND_KEYS || kind == KIND_LONG_KEYS)
		return take_key(b, thing, sizes[kind]);
	if (kind == KIND_PLACES)
		take_place(b, thing);
	else
		take_flow(b, thing);
	return true;
}

/* How many were taken: all, or there is an end to it. */
static uint32_t take_things(struct bequest *b, const struct head *h)
{
	size_t size = sizes[h->kind], at = sizeof(*h);
	uint32_t i = 0;
	for (; i < h->n && at + size <= b->parcel.n; i++, at += size) {
		if (!take_one(b, h->kind, b->parcel.bytes + at, i))
			break;
	}
	return i;
}

/* false: that was the last one. */
static bool take_parcel(struct bequest *b)
{
	struct head h = { .kind = KIND_END };
	if (b->parcel.n >= sizeof(h))
		memcpy(&h, b->parcel.bytes, sizeof(h));
	/* The giver retires when we were ready: what is older had another heir, who did not take it. */
	bool is_stale = h.stamp_ms < b->all->made_ms;
	uint32_t taken = h.kind < KIND_END && !is_stale ? take_things(b, &h) : 0;
	parcel_close(&b->parcel, h.kind == KIND_PORTS ? taken : 0);
	return is_stale || (h.kind < KIND_END && taken == h.n);
}

static void bequest_readable_cb(struct ev_loop *ev, ev_io *w, int events)
{
	struct bequest *b = container_of(w, struct bequest, reader);
	(void)ev, (void)events;
	for (;;) {
		int n = parcel_receive(b->channel, &b->parcel);
		if (n == 0)
			return;
		if (n < 0 || !take_parcel(b)) {
			done(b);
			return;
		}
	}
}

static void bequest_patience_cb(struct ev_loop *ev, ev_timer *w, int events)
{
	(void)ev, (void)events;
	done(container_of(w, struct bequest, patience));
}

struct bequest *bequest_take(struct flows *all, int channel, void (*adopt)(struct flow *f),
			     void (*on_done)(void *ctx), void *ctx)
{
	struct bequest *b = calloc(1, sizeof(*b));
	if (b != NULL)
		b->places = malloc(BOARD_BACKENDS_MAX * sizeof(*b->places));
	if (b == NULL || b->places == NULL) {
		free(b);
		return NULL;
	}
	for (unsigned i = 0; i < BOARD_BACKENDS_MAX; i++)
		b->places[i].slot = -1;
	b->all = all;
	b->loop = all->plane->loop;
	b->channel = channel;
	b->adopt = adopt;
	b->on_done = on_done;
	b->ctx = ctx;
	ev_io_init(&b->reader, bequest_readable_cb, channel, EV_READ);
	ev_timer_init(&b->patience, bequest_patience_cb, TAKE_PATIENCE_MS / 1e3, 0.);
	ev_io_start(b->loop->ev, &b->reader);
	ev_timer_start(b->loop->ev, &b->patience);
	return b;
}

void bequest_destroy(struct bequest *b)
{
	if (b == NULL)
		return;
	ev_io_stop(b->loop->ev, &b->reader);
	ev_timer_stop(b->loop->ev, &b->patience);
	free(b->gates);
	free(b->ports);
	free(b->places);
	free(b->keys);
	free(b);
}
