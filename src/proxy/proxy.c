#include "proxy/proxy.h"

#include <stdlib.h>

#include "base/log.h"
#include "net/listener.h"
#include "proxy/exchange.h"
#include "proxy/front.h"
#include "proxy/queue.h"
#include "proxy/story.h"

enum {
	LINGER_MS = 2000,
	ATTENTION_MS = 20,
	BREATH_MS = 1,
	FLUSH_MS = 200,
	UPSTREAM_CONNECTIONS_MAX = 65536
};

/* One listening socket of this worker. */
struct proxy_listen {
	struct listener listener;
	struct service *service;
	struct list node;
};

static uint32_t more(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

struct maxima {
	uint32_t header_bytes, headers, connections, replay_bytes;
};

static struct maxima maxima_of(const struct conf *c)
{
	struct maxima m = { 0 };
	for (unsigned i = 0; i < c->services_n; i++) {
		m.header_bytes = more(m.header_bytes, c->services[i].limits.header_bytes);
		m.headers = more(m.headers, c->services[i].limits.headers);
		m.connections = more(m.connections, c->services[i].limits.connections);
	}
	for (unsigned i = 0; i < c->pools_n; i++)
		m.replay_bytes = more(m.replay_bytes, c->pools[i].retry.body_bytes);
	return m;
}

static void init_slabs(struct proxy *p, const struct maxima *m)
{
	uint32_t n = m->connections;
	p->connections_max = n;
	slab_init(&p->fronts, sizeof(struct front), n);
	slab_init(&p->exchanges,
		  sizeof(struct exchange) + 2 * m->headers * sizeof(struct http_field), n);
	slab_init(&p->sessions, sizeof(struct exchange), n);
	slab_init(&p->stories, story_bytes(), n);
	slab_init(&p->heads, m->header_bytes + PROXY_HEAD_ROOM, 4 * n);
	/*
	 * an exchange may need three: the answer's bytes, and what a socket did not take of a head,
	 * either way
	 */
	slab_init(&p->blocks, more(PROXY_BLOCK_BYTES, m->header_bytes + PROXY_HEAD_OUT_ROOM),
		  3 * n);
	/* what comes behind a body may be the beginning of a head */
	slab_init(&p->bodies, more(PROXY_BLOCK_BYTES, more(m->replay_bytes, m->header_bytes)), n);
}

static struct timer_lane *lane(struct proxy *p, uint32_t ms)
{
	return ms == 0 ? NULL : timers_lane(p->timers, ms);
}

static struct timer_lane *lane_or(struct proxy *p, int64_t own_ms, uint32_t service_ms)
{
	return lane(p, own_ms >= 0 ? (uint32_t)own_ms : service_ms);
}

static enum err init_pools(struct proxy *p, struct service *s)
{
	s->pools = calloc(p->conf->pools_n + 1, sizeof(*s->pools));
	if (s->pools == NULL)
		return ERR_MEMORY;
	for (unsigned i = 0; i < p->conf->pools_n; i++) {
		const struct conf_pool *pool = &p->conf->pools[i];
		const struct conf_timeouts *t = &s->conf->timeouts;
		s->pools[i] = (struct pool_lanes){
			.connect = lane_or(p, pool->connect, t->connect),
			.response = lane_or(p, pool->response, t->response),
			.attempt = lane_or(p, pool->attempt, t->attempt),
			.stream_idle = lane_or(p, pool->stream_idle, t->stream_idle),
			.keepalive_idle = lane(p, pool->keepalive.idle),
		};
	}
	return ERR_OK;
}

static enum err init_trust(struct service *s, struct error *e)
{
	s->trust_n = s->conf->trusts;
	s->trust = calloc(s->trust_n + 1, sizeof(*s->trust));
	if (s->trust == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the services");
	for (unsigned i = 0; i < s->trust_n; i++) {
		enum err err = cidr_parse(&s->trust[i], str_of(s->conf->trust[i]), e);
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

static enum err init_service(struct proxy *p, struct vm *vm, unsigned i, struct error *e)
{
	struct service *s = &p->services[i];
	const struct conf_timeouts *t = &p->conf->services[i].timeouts;
	s->conf = &p->conf->services[i];
	s->hooks = vm_hooks(vm, i);
	s->counts = board_service_cell(p->board, p->worker, i, str_of(s->conf->name));
	s->limits = (struct http_limits){
		.header_bytes = s->conf->limits.header_bytes,
		.uri_bytes = s->conf->limits.uri_bytes,
		.headers = s->conf->is_tcp ? 0 : s->conf->limits.headers,
	};
	s->client_header = lane(p, t->client_header);
	s->client_body = lane(p, t->client_body);
	s->client_idle = lane(p, t->client_idle);
	s->tunnel = lane(p, t->tunnel);
	s->request = lane(p, t->request);
	if (init_pools(p, s) != ERR_OK)
		return err_set(e, ERR_MEMORY, "no memory for the services");
	return init_trust(s, e);
}

static enum err init_services(struct proxy *p, struct vm *vm, struct error *e)
{
	p->services = calloc(p->conf->services_n + 1, sizeof(*p->services));
	if (p->services == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the services");
	for (unsigned i = 0; i < p->conf->services_n; i++) {
		enum err err = init_service(p, vm, i, e);
		if (err != ERR_OK)
			return err;
	}
	return ERR_OK;
}

static void close_all(struct proxy *p, const char *reason)
{
	struct list *node;
	while ((node = list_first(&p->open)) != NULL)
		front_close(container_of(node, struct front, node), reason);
}

/* Who is idle loses nothing. */
static void on_drain_due(struct timer *t)
{
	struct proxy *p = container_of(t, struct proxy, drain_timer);
	unsigned busy = 0;
	for (struct list *n = p->open.next; n != &p->open; n = n->next)
		busy += container_of(n, struct front, node)->state == FRONT_BUSY;
	if (busy > 0)
		log_warn("drain: time is up, %u connection%s cut", busy,
			 busy == 1 ? " is" : "s are");
	close_all(p, "cut: the drain's time was up");
}

static void on_flush_due(struct timer *t)
{
	struct proxy *p = container_of(t, struct proxy, flush);
	if (lines_flush(p->access_log))
		timer_start(t, p->flushes);
}

static enum err init_access_log(struct proxy *p, struct error *e)
{
	timer_init(&p->flush, on_flush_due);
	if (p->conf->access_log == NULL)
		return ERR_OK;
	p->flushes = timers_lane(p->timers, FLUSH_MS);
	if (p->flushes == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the access log");
	return lines_open(&p->access_log, p->conf->access_log, e);
}

void proxy_reopen_log(struct proxy *p)
{
	if (p->access_log != NULL)
		lines_reopen(p->access_log);
}

enum err proxy_create(struct proxy **out, const struct proxy_options *o, struct error *e)
{
	struct maxima m = maxima_of(o->conf);
	struct proxy *p = calloc(1, sizeof(*p));
	*out = p;
	if (p == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the proxy");
	p->loop = o->loop;
	p->timers = o->timers;
	p->board = o->board;
	p->worker = o->worker;
	p->conf = o->conf;
	p->on_state_change = o->on_state_change;
	p->ctx = o->ctx;
	list_init(&p->open);
	list_init(&p->listens);
	timer_init(&p->drain_timer, on_drain_due);
	init_slabs(p, &m);
	pipe_pool_init(&p->pipes);
	exchange_setup(p);
	p->scratch_bytes = m.header_bytes + PROXY_SCRATCH_ROOM;
	p->scratch = malloc(p->scratch_bytes);
	p->linger = timers_lane(p->timers, LINGER_MS);
	p->attention = timers_lane(p->timers, ATTENTION_MS);
	p->breath = timers_lane(p->timers, BREATH_MS);
	p->id_seed = (uint64_t)(neap_random() * 0x1p53) ^ (uint64_t)p->loop->now_us << 20;
	enum err err = init_access_log(p, e);
	if (err == ERR_OK)
		err = upstream_init(&p->upstream, p->loop, p->timers, p->board, p->worker,
				    UPSTREAM_CONNECTIONS_MAX, e);
	if (err == ERR_OK && (p->scratch == NULL || p->linger == NULL || p->attention == NULL))
		err = err_set(e, ERR_MEMORY, "no memory for the proxy");
	if (err == ERR_OK)
		err = queues_init(p, o->wake_fds, e);
	if (err == ERR_OK)
		err = init_services(p, o->vm, e);
	if (err != ERR_OK) {
		proxy_destroy(p);
		*out = NULL;
	}
	return err;
}

static void on_accept(struct listener *l, int fd, const struct peer *peer)
{
	struct proxy *p = l->owner;
	front_accept(p, container_of(l, struct proxy_listen, listener)->service, fd, peer);
}

static void on_shortage(struct listener *l)
{
	struct proxy *p = l->owner;
	(void)upstream_close_idle(&p->upstream); /* none may be idle */
}

enum err proxy_listen(struct proxy *p, unsigned service, int fd, struct error *e)
{
	struct proxy_listen *l = calloc(1, sizeof(*l));
	if (l == NULL || service >= p->conf->services_n) {
		free(l);
		return err_set(e, ERR_MEMORY, "no memory for a listener");
	}
	listener_init(&l->listener, p->loop, fd);
	l->listener.owner = p;
	l->listener.on_accept = on_accept;
	l->listener.on_shortage = on_shortage;
	l->service = &p->services[service];
	list_append(&p->listens, &l->node);
	return ERR_OK;
}

static void each_listener(struct proxy *p, void (*call)(struct listener *l))
{
	for (struct list *n = p->listens.next; n != &p->listens; n = n->next)
		call(&container_of(n, struct proxy_listen, node)->listener);
}

void proxy_start(struct proxy *p)
{
	queues_start(p);
	each_listener(p, listener_start);
}

static uint32_t drain_ms(const struct proxy *p)
{
	uint32_t ms = 1;
	for (unsigned i = 0; i < p->conf->services_n; i++)
		ms = more(ms, p->conf->services[i].timeouts.drain);
	return ms;
}

void proxy_drain(struct proxy *p, enum proxy_drain how, void (*on_drained)(void *ctx), void *ctx)
{
	p->draining = true;
	each_listener(p, listener_sweep);
	each_listener(p, listener_stop);
	p->on_drained = on_drained;
	p->drained_ctx = ctx;
	timer_start(&p->drain_timer, timers_lane(p->timers, drain_ms(p)));
	for (struct list *n = p->open.next; n != &p->open && how == PROXY_DRAIN_SOON; n = n->next)
		front_drain(container_of(n, struct front, node));
	if (p->connections == 0)
		on_drained(ctx);
}

static void free_listens(struct proxy *p)
{
	struct list *node;
	while ((node = list_first(&p->listens)) != NULL) {
		struct proxy_listen *l = container_of(node, struct proxy_listen, node);
		listener_stop(&l->listener);
		list_remove(node);
		free(l);
	}
}

static void free_services(struct proxy *p)
{
	for (unsigned i = 0; p->services != NULL && i < p->conf->services_n; i++) {
		free(p->services[i].pools);
		free(p->services[i].trust);
	}
	free(p->services);
}

void proxy_destroy(struct proxy *p)
{
	p->on_drained = NULL;
	timer_stop(&p->drain_timer);
	close_all(p, "cut: neap's process ended");
	queues_fini(p);
	free_listens(p);
	if (p->upstream.backends != NULL)
		upstream_fini(&p->upstream);
	free_services(p);
	timer_stop(&p->flush);
	if (p->access_log != NULL)
		lines_close(p->access_log);
	pipe_pool_fini(&p->pipes);
	slab_fini(&p->fronts);
	slab_fini(&p->exchanges);
	slab_fini(&p->sessions);
	slab_fini(&p->stories);
	slab_fini(&p->heads);
	slab_fini(&p->blocks);
	slab_fini(&p->bodies);
	free(p->scratch);
	free(p);
}
