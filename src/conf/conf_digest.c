#include "conf/conf_digest.h"

#include <string.h>

#include "base/fnv.h"

static void add_bytes(uint64_t *d, const void *bytes, size_t n)
{
	*d = fnv_add(*d, bytes, n);
}

static void add_number(uint64_t *d, uint64_t number)
{
	add_bytes(d, &number, sizeof(number));
}

/* With its zero, so that texts do not run into each other. */
static void add_text(uint64_t *d, const char *text)
{
	add_bytes(d, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 1);
}

static void add_texts(uint64_t *d, char **texts, unsigned n)
{
	add_number(d, n);
	for (unsigned i = 0; i < n; i++)
		add_text(d, texts[i]);
}

static void add_listens(uint64_t *d, const struct conf_service *s)
{
	add_number(d, s->listens);
	for (unsigned i = 0; i < s->listens; i++) {
		add_text(d, s->listen[i].address);
		add_number(d, s->listen[i].is_tls);
		add_number(d, s->listen[i].proxy_protocol);
	}
}

static void digest_udp(uint64_t *d, const struct conf_service *s)
{
	const uint64_t numbers[] = { s->is_udp, s->timeouts.udp, s->responses, s->requests };

	add_bytes(d, numbers, sizeof(numbers));
}

static void digest_limits(uint64_t *d, const struct conf_limits *l)
{
	const uint64_t numbers[] = { l->header_bytes,	 l->uri_bytes,	    l->headers,
				     l->body_bytes,	 l->connections,    l->requests,
				     l->streams,	 l->stream_window,  l->connection_window,
				     l->hook_body_bytes, l->udp_sessions,   l->source_datagrams,
				     l->source_flows,	 l->source_bits_v4, l->source_bits_v6 };

	add_bytes(d, numbers, sizeof(numbers));
}

static void digest_compress(uint64_t *d, const struct conf_compress *c)
{
	add_number(d, c->codings_n);
	add_bytes(d, c->codings, sizeof(c->codings));
	add_bytes(d, c->levels, sizeof(c->levels));
	add_texts(d, c->types, c->types_n);
	add_number(d, c->min_bytes);
	add_number(d, c->answers);
}

static void digest_service(uint64_t *d, const struct conf_service *s)
{
	const struct conf_timeouts *t = &s->timeouts;
	const uint64_t numbers[] = { s->is_tcp,	       s->refuse_on_error, (uint64_t)s->pool,
				     t->client_header, t->client_body,	   t->client_idle,
				     t->connect,       t->response,	   t->stream_idle,
				     t->tunnel,	       t->request,	   t->drain,
				     t->handshake,     s->traceparent,	   t->attempt,
				     t->linger,	       t->half_closed,	   t->keepalive_probe,
				     s->half_close,    s->is_guard,	   s->hides_reasons,
				     s->sniffs_tls,    s->http2,	   t->notice };

	add_text(d, s->name);
	add_text(d, s->request_id);
	add_text(d, s->via);
	add_listens(d, s);
	add_texts(d, s->trust, s->trusts);
	add_bytes(d, numbers, sizeof(numbers));
	digest_limits(d, &s->limits);
	digest_udp(d, s);
	digest_compress(d, &s->compress);
	conf_tls_digest(d, &s->tls);
}

static void digest_pool(uint64_t *d, const struct conf_pool *p)
{
	const uint64_t numbers[] = {
		(uint64_t)p->connect,	  (uint64_t)p->response, (uint64_t)p->stream_idle,
		p->keepalive.connections, p->keepalive.idle,	 p->keepalive.requests,
		p->retry.attempts,	  p->retry.unsafe,	 p->retry.body_bytes,
		p->retry.grpc_status,	  p->eject.grpc_status,	 p->eject.on,
		p->eject.consecutive,	  (uint64_t)p->attempt,	 p->budget.ttl,
		p->queue.length,	  p->queue.timeout,	 p->has_shadow,
		p->limits.header_bytes,	  p->limits.headers,	 p->http2,
		p->limits.stream_window,  p->hedge.after,	 p->is_veiled,
	};

	add_text(d, p->name);
	add_text(d, p->mirror.pool_name);
	add_bytes(d, &p->mirror.share, sizeof(p->mirror.share));
	add_bytes(d, &p->hedge.share, sizeof(p->hedge.share));
	add_bytes(d, numbers, sizeof(numbers));
	add_bytes(d, p->retry.status, sizeof(p->retry.status));
	add_bytes(d, p->eject.status, sizeof(p->eject.status));
	add_bytes(d, &p->budget.ratio, sizeof(p->budget.ratio));
	add_bytes(d, &p->budget.min_per_second, sizeof(p->budget.min_per_second));
	conf_pool_tls_digest(d, &p->tls);
}

uint64_t conf_service_digest(const struct conf_service *s)
{
	uint64_t d = fnv_start;

	digest_service(&d, s);
	return d;
}

uint64_t conf_pool_digest(const struct conf_pool *p)
{
	uint64_t d = fnv_start;

	digest_pool(&d, p);
	return d;
}

uint64_t conf_digest(const struct conf *c)
{
	uint64_t d = fnv_start;

	add_number(&d, c->workers);
	add_number(&d, c->lua_memory);
	add_text(&d, c->user);
	add_text(&d, c->group);
	add_text(&d, c->pid_file);
	add_text(&d, c->log_target);
	add_number(&d, (uint64_t)c->log_level);
	add_text(&d, c->access_log);
	add_number(&d, (uint64_t)c->access_format);
	add_number(&d, c->explain.is_on ? c->explain.every + 1U : 0);
	add_text(&d, c->explain.header);
	add_number(&d, c->unsafe);
	add_number(&d, c->hardening);
	add_text(&d, c->admin.listen);
	add_number(&d, c->admin.mode);
	add_text(&d, c->admin.group);
	add_number(&d, c->services_n);
	for (unsigned i = 0; i < c->services_n; i++)
		digest_service(&d, &c->services[i]);
	add_number(&d, c->pools_n);
	for (unsigned i = 0; i < c->pools_n; i++)
		digest_pool(&d, &c->pools[i]);
	add_number(&d, c->stores_n);
	for (unsigned i = 0; i < c->stores_n; i++) {
		add_text(&d, c->stores[i].name);
		add_number(&d, c->stores[i].bytes);
	}
	return d;
}
