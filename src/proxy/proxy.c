#include "proxy/proxy.h"

#include <stdlib.h>

#include "base/log.h"
#include "exchange/access.h"
#include "exchange/bequest.h"
#include "exchange/flow.h"
#include "exchange/hedge.h"
#include "exchange/mirror.h"
#include "exchange/queue.h"
#include "exchange/story.h"
#include "exchange/switch.h"
#include "net/listener.h"
#include "proxy/accept.h"
#include "proxy/udp_front.h"

enum { DOZE_MS = 200, LINGER_MS = 2000 };

struct proxy {
	struct fronts fronts; /* client connections, over the data plane */
	struct services services;
	struct list listens;
	struct timer drain_timer;
	int give, take;		 /* as in the options */
	struct bequest *bequest; /* while it is taken, at the start; else NULL */
};

static struct plane *plane_of(struct proxy *p)
{
	return &p->fronts.plane;
}

/* ---- listening ---- */

/* One listening socket of this worker. */
struct proxy_listen {
	struct listener listener;
	struct udp_front *udp; /* of datagrams: then there is no listener; else NULL */
	struct service *service;
	const struct conf_listen *conf; /* what is spoken there */
	struct list node;
	unsigned
		stands_for; /* 1 + the worker whose socket it is, which is then owned; 0: its own */
};

static void on_accept(struct listener *l, int fd, const struct peer *peer)
{
	struct proxy *p = l->owner;
	const struct proxy_listen *at = container_of(l, struct proxy_listen, listener);
	accept_connection(&p->fronts, at->service, at->conf, fd, peer);
}

static void on_shortage(struct listener *l)
{
	struct proxy *p = l->owner;
	(void)upstream_close_idle(&plane_of(p)->upstream); /* none may be idle */
}

static bool is_place(const struct proxy *p, struct proxy_place place)
{
	return place.service < p->services.n &&
	       place.listen < p->services.of[place.service].conf->listens;
}

static enum err add_listen(struct proxy *p, struct proxy_place place, int fd,
			   struct proxy_listen **to, struct error *e)
{
	struct proxy_listen *l = is_place(p, place) ? calloc(1, sizeof(*l)) : NULL;
	if (l == NULL)
		return err_set(e, ERR_MEMORY, "no memory for a listener");
	const struct conf_service *conf = p->services.of[place.service].conf;
	if (conf->is_udp) {
		l->udp = udp_front_create(&p->services.of[place.service],
					  &conf->listen[place.listen], fd);
		if (l->udp == NULL) {
			free(l);
			return err_set(e, ERR_MEMORY, "no memory for a socket of datagrams");
		}
	} else if (conf->is_tcp)
		sock_set_keepalive(fd, conf->timeouts.keepalive_probe);
	listener_init(&l->listener, plane_of(p)->loop, fd);
	l->listener.owner = p;
	l->listener.on_accept = on_accept;
	l->listener.on_shortage = on_shortage;
	l->service = &p->services.of[place.service];
	l->conf = &conf->listen[place.listen];
	list_append(&p->listens, &l->node);
	*to = l;
	return ERR_OK;
}

static void start_udp(struct proxy_listen *l)
{
	if (l->udp != NULL)
		udp_front_start(l->udp);
}

static void start_tcp(struct proxy_listen *l)
{
	if (l->udp == NULL)
		listener_start(&l->listener);
}

static void start_one(struct proxy_listen *l)
{
	start_udp(l);
	start_tcp(l);
}

enum err proxy_listen(struct proxy *p, struct proxy_place place, int fd, struct error *e)
{
	struct proxy_listen *l = NULL;
	return add_listen(p, place, fd, &l, e);
}

enum err proxy_stand_in(struct proxy *p, unsigned worker, struct proxy_place place, int fd,
			struct error *e)
{
	struct proxy_listen *l = NULL;
	enum err err = add_listen(p, place, fd, &l, e);
	if (err != ERR_OK)
		return err;
	l->stands_for = 1 + worker;
	start_one(l);
	return ERR_OK;
}

static void free_listen(struct proxy_listen *l)
{
	if (l->udp != NULL)
		udp_front_destroy(l->udp);
	if (l->stands_for != 0)
		listener_close(&l->listener); /* the master has the socket still */
	else
		listener_stop(&l->listener);
	list_remove(&l->node);
	free(l);
}

/* worker 0: of all. */
static void free_foreign(struct proxy *p, unsigned worker)
{
	for (struct list *n = p->listens.next, *next; n != &p->listens; n = next) {
		struct proxy_listen *l = container_of(n, struct proxy_listen, node);
		next = n->next;
		if (l->stands_for != 0 && (worker == 0 || l->stands_for == worker))
			free_listen(l);
	}
}

void proxy_stand_down(struct proxy *p, unsigned worker)
{
	free_foreign(p, 1 + worker);
}

static void each_listen(struct proxy *p, void (*call)(struct proxy_listen *l))
{
	for (struct list *n = p->listens.next; n != &p->listens; n = n->next)
		call(container_of(n, struct proxy_listen, node));
}

/* The flows of the worker before are here: now their clients may go on. */
static void on_bequest(void *ctx)
{
	struct proxy *p = ctx;
	bequest_destroy(p->bequest);
	p->bequest = NULL;
	if (!plane_drains(plane_of(p)))
		each_listen(p, start_udp);
}

void proxy_start(struct proxy *p)
{
	queues_start(plane_of(p));
	each_listen(p, start_tcp);
	if (plane_of(p)->flows != NULL && p->take >= 0)
		p->bequest = bequest_take(plane_of(p)->flows, p->take, flow_adopt, on_bequest, p);
	if (p->bequest == NULL)
		each_listen(p, start_udp);
}

/* ---- draining ---- */

/* What waits is taken, then no more. Flows go on, but where another worker reads the socket. */
static void leave_one(struct proxy_listen *l)
{
	if (l->udp == NULL) {
		listener_sweep(&l->listener);
		listener_stop(&l->listener);
	} else if (l->service->plane->phase == PLANE_DRAINS_LATE) {
		udp_front_stop(l->udp);
	}
}

static void close_all(struct proxy *p, const char *reason)
{
	struct list *node;
	while ((node = list_first(&p->fronts.open)) != NULL) {
		struct front *f = container_of(node, struct front, node);
		f->ops->close(f, reason);
	}
}

static void cut_flows(struct proxy *p, const char *reason)
{
	if (plane_of(p)->flows != NULL)
		flow_cut_all(plane_of(p)->flows, NULL, reason);
}

/* Connections that are idle lose nothing. */
static void on_drain_due(struct timer *t)
{
	struct proxy *p = container_of(t, struct proxy, drain_timer);
	unsigned busy = 0;
	for (struct list *n = p->fronts.open.next; n != &p->fronts.open; n = n->next) {
		const struct front *f = container_of(n, struct front, node);
		busy += f->ops->is_busy(f);
	}
	if (busy > 0)
		log_warn("drain: time is up, %u connection%s cut", busy,
			 busy == 1 ? " is" : "s are");
	close_all(p, "cut: the drain's time was up");
	cut_flows(p, "cut: the drain's time was up");
	mirrors_cut(plane_of(p), "cut: the drain's time was up");
}

static uint32_t more(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static uint32_t drain_ms(const struct proxy *p)
{
	uint32_t ms = 1;
	for (unsigned i = 0; i < p->services.n; i++)
		ms = more(ms, p->services.of[i].conf->timeouts.drain);
	return ms;
}

static void drain_all(struct proxy *p)
{
	for (struct list *n = p->fronts.open.next; n != &p->fronts.open; n = n->next) {
		struct front *f = container_of(n, struct front, node);
		f->ops->drain(f);
	}
}

/* Itself it takes none any more: what came would be its heir's. */
static void give_flows(struct proxy *p)
{
	bequest_destroy(p->bequest);
	p->bequest = NULL;
	flow_give_all(plane_of(p)->flows, p->give);
}

void proxy_drain(struct proxy *p, enum proxy_drain how, void (*on_drained)(void *ctx), void *ctx)
{
	struct plane *plane = plane_of(p);
	plane->phase = how == PROXY_DRAIN_SOON ? PLANE_DRAINS_SOON : PLANE_DRAINS_LATE;
	each_listen(p, leave_one);
	if (how == PROXY_DRAIN_LATE && plane->flows != NULL && p->give >= 0)
		give_flows(p);
	free_foreign(p, 0);
	p->fronts.on_drained = on_drained;
	p->fronts.drained_ctx = ctx;
	timer_start(&p->drain_timer, timers_lane(plane->timers, drain_ms(p)));
	drain_all(p);
	if (p->fronts.n == 0)
		fronts_look(&p->fronts);
}

/* ---- life ---- */

enum { STREAMS_MORE = 4 }; /* streams for each connection that there may be */

struct maxima {
	struct plane_maxima plane;
	struct accept_maxima accept;
};

static struct maxima maxima_of(const struct conf *c)
{
	uint32_t fields = 0, answer_fields = 0;
	struct plane_maxima m = { 0 };
	for (unsigned i = 0; i < c->services_n; i++) {
		const struct conf_service *service = &c->services[i];
		m.header_bytes = more(m.header_bytes, service->limits.header_bytes);
		m.connections = more(m.connections, service->limits.connections);
		m.hook_body_bytes = more(m.hook_body_bytes, service->limits.hook_body_bytes);
		fields = more(fields, service->limits.headers);
	}
	for (unsigned i = 0; i < c->pools_n; i++) {
		const struct conf_pool *pool = &c->pools[i];
		m.replay_bytes = more(m.replay_bytes, pool->retry.body_bytes);
		m.answer_bytes = more(m.answer_bytes, pool->limits.header_bytes);
		answer_fields = more(answer_fields, pool->limits.headers);
	}
	m.replay_bytes = more(m.replay_bytes, m.hook_body_bytes);
	struct accept_maxima accept = { m.connections, m.header_bytes, fields + answer_fields,
					STREAMS_MORE * m.connections };
	m.requests = m.connections + accept.streams;
	m.copies = mirror_is_wanted(c) ? MIRRORS_MAX : 0;
	m.copies += hedge_is_wanted(c) ? HEDGES_MAX : 0;
	return (struct maxima){ m, accept };
}

/* The last copy of a request, or the last flow. */
static void on_last(struct plane *plane)
{
	fronts_look(container_of(plane, struct fronts, plane));
}

static enum err init_parts(struct proxy *p, const struct proxy_options *o, struct error *e)
{
	struct plane *plane = plane_of(p);
	struct maxima m = maxima_of(o->conf);
	struct services_origin origin = { plane,     o->conf,  o->policies, o->secrets,
					  o->timers, o->board, o->worker };
	enum err err = accept_init(&p->fronts, &m.accept);
	if (err != ERR_OK)
		return err_set(e, err, "no memory for HTTP/2");
	switch_init(plane, m.plane.connections);
	p->fronts.doze = timers_lane(o->timers, DOZE_MS);
	p->fronts.linger = timers_lane(o->timers, LINGER_MS);
	if (p->fronts.doze == NULL || p->fronts.linger == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the proxy");
	err = access_open(plane, e);
	if (err == ERR_OK)
		err = pool_tls_init(&plane->upstream.tls, o->conf, o->secrets, e);
	if (err == ERR_OK)
		err = plane_init(plane, &m.plane, e);
	if (err == ERR_OK)
		err = stories_create(plane, m.plane.connections, e);
	if (err == ERR_OK)
		err = queues_create(plane, o->wake_fds, e);
	if (err == ERR_OK)
		err = mirrors_create(plane, m.accept.fields, on_last, e);
	if (err == ERR_OK)
		err = hedges_create(plane, m.accept.fields, e);
	if (err == ERR_OK)
		err = flow_create_all(plane, on_last, e);
	if (err == ERR_OK)
		err = services_init(&p->services, &origin, e);
	return err == ERR_OK ? flows_create_keys(plane, &p->services, e) : err;
}

enum err proxy_create(struct proxy **out, const struct proxy_options *o, struct error *e)
{
	struct proxy *p = calloc(1, sizeof(*p));
	*out = p;
	if (p == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the proxy");
	*plane_of(p) = (struct plane){
		.loop = o->loop,
		.timers = o->timers,
		.board = o->board,
		.conf = o->conf,
		.worker = o->worker,
		.on_state_change = o->on_state_change,
		.ctx = o->ctx,
	};
	p->give = o->give;
	p->take = o->take;
	list_init(&p->listens);
	timer_init(&p->drain_timer, on_drain_due);
	enum err err = init_parts(p, o, e);
	if (err != ERR_OK) {
		proxy_destroy(p);
		*out = NULL;
	}
	return err;
}

void proxy_reopen_log(struct proxy *p)
{
	access_reopen(plane_of(p));
}

static void free_listens(struct proxy *p)
{
	struct list *node;
	while ((node = list_first(&p->listens)) != NULL)
		free_listen(container_of(node, struct proxy_listen, node));
}

void proxy_destroy(struct proxy *p)
{
	p->fronts.on_drained = NULL;
	timer_stop(&p->drain_timer);
	close_all(p, "cut: neap's process ended");
	bequest_destroy(p->bequest);
	cut_flows(p, "cut: neap's process ended");
	free_listens(p);
	flows_destroy(plane_of(p));
	mirrors_destroy(plane_of(p));
	hedges_destroy(plane_of(p));
	queues_destroy(plane_of(p));
	services_fini(&p->services);
	access_close(plane_of(p));
	stories_destroy(plane_of(p));
	plane_fini(plane_of(p));
	accept_fini(&p->fronts);
	free(p);
}
