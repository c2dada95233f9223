#include "exchange/service.h"

#include <stdlib.h>

#include "exchange/acme.h"
#include "exchange/hello.h"
#include "exchange/service_tls.h"
#include "script/hooks.h"
#include "script/policies.h"
#include "shm/board_service.h"

enum { SILENCE_MS = 2000, UDP_PART = 16 };

static struct timer_lane *lane(struct timers *timers, uint32_t ms)
{
	return ms == 0 ? NULL : timers_lane(timers, ms);
}

static struct timer_lane *lane_or(struct timers *timers, int64_t own_ms, uint32_t service_ms)
{
	return lane(timers, own_ms >= 0 ? (uint32_t)own_ms : service_ms);
}

static enum err init_pools(struct service *s, const struct conf *conf, struct timers *timers)
{
	const struct conf_timeouts *t = &s->conf->timeouts;
	s->pools = calloc(conf->pools_n + 1, sizeof(*s->pools));
	if (s->pools == NULL)
		return ERR_MEMORY;
	for (unsigned i = 0; i < conf->pools_n; i++) {
		const struct conf_pool *pool = &conf->pools[i];
		s->pools[i] = (struct pool_lanes){
			.answers = { .header_bytes = pool->limits.header_bytes,
				     .headers = pool->limits.headers },
			.connect = lane_or(timers, pool->connect, t->connect),
			.response = lane_or(timers, pool->response, t->response),
			.attempt = lane_or(timers, pool->attempt, t->attempt),
			.stream_idle = lane_or(timers, pool->stream_idle, t->stream_idle),
			.keepalive_idle = lane(timers, pool->keepalive.idle),
			.hedge = lane(timers, pool->hedge.after),
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

static void init_lanes(struct service *s, struct timers *timers)
{
	const struct conf_timeouts *t = &s->conf->timeouts;
	s->client_header = lane(timers, t->client_header);
	s->client_body = lane(timers, t->client_body);
	s->client_idle = lane(timers, t->client_idle);
	s->tunnel = lane(timers, t->tunnel);
	s->half_closed = lane(timers, t->half_closed);
	s->handshake = lane(timers, t->handshake);
	s->udp = s->conf->is_udp ? lane(timers, t->udp + t->udp / UDP_PART) : NULL;
	s->silence = lane(timers, t->linger > 0 && t->linger < SILENCE_MS ? t->linger : SILENCE_MS);
	s->request = lane(timers, t->request);
}

static void init_limits(struct service *s)
{
	s->limits = (struct http_limits){
		.header_bytes = s->conf->limits.header_bytes,
		.uri_bytes = s->conf->limits.uri_bytes,
		.headers = s->conf->is_tcp ? 0 : s->conf->limits.headers,
	};
}

/* What one source may send. */
static enum err init_rates(struct service *s, struct error *e)
{
	const struct conf_limits *l = &s->conf->limits;
	if (s->conf->is_udp && l->source_datagrams != 0)
		s->datagram_rate = source_rate_create(l->source_datagrams);
	if (s->conf->is_udp && l->source_flows != 0)
		s->flow_rate = source_rate_create(l->source_flows);
	bool is_whole = !s->conf->is_udp ||
			((l->source_datagrams == 0 || s->datagram_rate != NULL) &&
			 (l->source_flows == 0 || s->flow_rate != NULL));
	return is_whole ? ERR_OK : err_set(e, ERR_MEMORY, "no memory for limits of sources");
}

static enum err init_service(struct service *s, const struct services_origin *from, uint32_t number,
			     struct error *e)
{
	s->plane = from->plane;
	s->conf = &from->conf->services[number];
	s->number = number;
	s->hooks = policies_hooks(from->policies, number);
	s->asks_connection = hooks_have(s->hooks, HOOK_CONNECTION);
	s->asks_key = hooks_have(s->hooks, HOOK_KEY);
	s->ready_key = hooks_ready_key(s->hooks);
	s->sets_limits = hooks_have(s->hooks, HOOK_REQUEST) || hooks_have(s->hooks, HOOK_BACKENDS);
	s->counts = board_service_cell(from->board, from->worker, number, str_of(s->conf->name));
	init_limits(s);
	init_lanes(s, from->timers);
	if (init_pools(s, from->conf, from->timers) != ERR_OK)
		return err_set(e, ERR_MEMORY, "no memory for the services");
	enum err err = init_rates(s, e);
	return err == ERR_OK ? init_trust(s, e) : err;
}

/* Made with the first service that wants it. */
static enum err init_acme(struct services *all, struct service *s, struct board *board,
			  struct error *e)
{
	enum err err;

	if (!s->conf->tls.on || !s->conf->tls.acme.on)
		return ERR_OK;
	err = all->acme == NULL ? acme_create(&all->acme, board, e) : ERR_OK;
	if (err != ERR_OK)
		return err;
	s->acme = malloc(sizeof(*s->acme));
	if (s->acme == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the services");
	*s->acme = (struct acme_place){ all->acme, s->conf, s->number };
	return ERR_OK;
}

/* The hook `certificate` is asked before *source, and takes its place. */
static enum err init_hello(struct service *s, struct tls_source *source, struct error *e)
{
	if (!s->conf->tls.on || !hooks_have(s->hooks, HOOK_CERTIFICATE))
		return ERR_OK;
	s->hello = malloc(sizeof(*s->hello));
	if (s->hello == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the services");
	*s->hello = (struct hello_place){ .hooks = s->hooks,
					  .service = s->number,
					  .handshake_ms = s->conf->timeouts.handshake,
					  .next = *source };
	*source = (struct tls_source){ hello_certificate, s->hello };
	return ERR_OK;
}

/* Policies, lines of the access log and stories may tell the fingerprint of a client's hello. */
static bool asks_for_hellos(const struct service *s, const struct conf *conf)
{
	bool is_logged = conf->access_log != NULL && conf->access_format != CONF_ACCESS_COMBINED;
	return hooks_have_own(s->hooks) || is_logged || conf->explain.is_on;
}

static enum err init_tls(struct service *s, const struct services_origin *from, struct error *e)
{
	struct service_tls_origin origin = { .conf = s->conf,
					     .secrets = from->secrets,
					     .board = from->board,
					     .hellos = asks_for_hellos(s, from->conf)
							       ? TLS_HELLOS_NOTED
							       : TLS_HELLOS_PASS };
	if (s->acme != NULL) {
		origin.source = (struct tls_source){ acme_certificate, s->acme };
		origin.challenge = (struct tls_source){ acme_challenge, s->acme };
	}
	enum err err = init_hello(s, &origin.source, e);
	return err == ERR_OK ? service_tls_create(&s->tls, &origin, e) : err;
}

enum err services_init(struct services *all, const struct services_origin *from, struct error *e)
{
	enum err err = ERR_OK;
	all->of = calloc(from->conf->services_n + 1, sizeof(*all->of));
	if (all->of == NULL)
		return err_set(e, ERR_MEMORY, "no memory for the services");
	all->n = from->conf->services_n;
	all->acme = NULL;
	for (unsigned i = 0; i < all->n && err == ERR_OK; i++) {
		err = init_service(&all->of[i], from, i, e);
		if (err == ERR_OK)
			err = init_acme(all, &all->of[i], from->board, e);
		if (err == ERR_OK)
			err = init_tls(&all->of[i], from, e);
	}
	return err;
}

void services_fini(struct services *all)
{
	for (unsigned i = 0; i < all->n; i++) {
		free(all->of[i].pools);
		free(all->of[i].trust);
		tls_context_free(all->of[i].tls);
		free(all->of[i].hello);
		source_rate_destroy(all->of[i].datagram_rate);
		source_rate_destroy(all->of[i].flow_rate);
		free(all->of[i].acme);
	}
	free(all->of);
	all->of = NULL;
	all->n = 0;
	acme_destroy(all->acme);
	all->acme = NULL;
}
