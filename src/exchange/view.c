#include "exchange/view.h"

#include "http/forwarded.h"

static bool is_trusted(const struct service *s, const struct peer *peer)
{
	for (unsigned i = 0; i < s->trust_n; i++) {
		if (cidr_contains(&s->trust[i], peer))
			return true;
	}
	return false;
}

static bool is_trusted_ip(const void *service, struct str ip)
{
	struct addr a;
	struct peer peer;
	if (!addr_of_ip(&a, ip, 0))
		return false;
	peer_of_addr(&peer, &a);
	return is_trusted(service, &peer);
}

static void fill_client(struct request *rq)
{
	const struct service *s = rq->service;
	struct peer client = *rq->peer;
	rq->is_trusted = is_trusted(s, rq->peer);
	if (rq->is_trusted && rq->block != NULL) {
		struct addr a;
		struct str ip = forwarded_client(&rq->head, buf_head(rq->block), is_trusted_ip, s);
		if (ip.n > 0 && addr_of_ip(&a, ip, 0))
			peer_of_addr(&client, &a);
	}
	memcpy(rq->view.ip, client.ip, sizeof(rq->view.ip));
	rq->view.ip_family = client.family;
	rq->view.port = client.port;
}

static void fill_head(struct request *rq)
{
	struct neap_request *v = &rq->view;
	const char *base = buf_head(rq->block);
	struct str path = h1_path(&rq->head, base);
	v->method = base + rq->head.method.at;
	v->method_n = rq->head.method.n;
	v->path = path.p;
	v->path_n = (uint32_t)path.n;
	v->query = base + rq->head.query.at;
	v->query_n = rq->head.query.n;
	v->has_query = rq->head.has_query;
	v->host = base + rq->head.host.at;
	v->host_n = rq->head.host.n;
	v->minor = rq->head.minor;
	v->head = &rq->head;
	v->base = base;
}

void view_fill(struct request *rq)
{
	struct neap_request *v = &rq->view;
	v->id = ++rq->plane->next_id;
	v->time = rq->plane->loop->unix_now;
	v->service = rq->service->number;
	v->attempt = 1;
	v->pool = -1;
	v->tried = NULL;
	v->tried_n = 0;
	v->deadline_ms = 0;
	v->co = NULL;
	fill_client(rq);
}

void view_fill_request(struct request *rq)
{
	fill_head(rq);
	view_fill(rq);
}

void view_fill_refused(struct request *rq)
{
	struct http_head *h = &rq->head;
	bool has_line = h->fields_at > 0;
	rq->refused_n = has_line ? h->n : 0;
	h->n = 0;
	h->present = 0;
	h->host = (struct http_span){ 0, 0 };
	fill_head(rq);
	view_fill(rq);
	if (has_line)
		return;
	rq->view.method_n = rq->view.path_n = rq->view.query_n = 0;
	rq->view.has_query = 0;
}

const struct backend *view_backend(const struct request *rq)
{
	return upstream_backend(&rq->plane->upstream, rq->view.slot, rq->view.epoch);
}
