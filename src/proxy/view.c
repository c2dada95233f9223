#include "proxy/view.h"

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

static void fill_client(struct exchange *ex)
{
	const struct service *s = ex->service;
	struct peer client = *ex->peer;
	ex->trusted = is_trusted(s, ex->peer);
	if (ex->trusted) {
		struct addr a;
		struct str ip = forwarded_client(&ex->req, buf_head(ex->in), is_trusted_ip, s);
		if (ip.n > 0 && addr_of_ip(&a, ip, 0))
			peer_of_addr(&client, &a);
	}
	memcpy(ex->view.ip, client.ip, sizeof(ex->view.ip));
	ex->view.ip_family = client.family;
	ex->view.port = client.port;
}

static void fill_head(struct exchange *ex)
{
	struct neap_request *v = &ex->view;
	const char *base = buf_head(ex->in);
	struct str path = h1_path(&ex->req, base);
	v->method = base + ex->req.method.at;
	v->method_n = ex->req.method.n;
	v->path = path.p;
	v->path_n = (uint32_t)path.n;
	v->query = base + ex->req.query.at;
	v->query_n = ex->req.query.n;
	v->has_query = ex->req.has_query;
	v->host = base + ex->req.host.at;
	v->host_n = ex->req.host.n;
	v->minor = ex->req.minor;
	v->secure = 0;
	v->head = &ex->req;
	v->base = base;
}

void view_fill(struct exchange *ex)
{
	struct neap_request *v = &ex->view;
	v->id = ++ex->proxy->next_id;
	v->time = ex->proxy->loop->unix_now;
	v->service = (uint32_t)(ex->service - ex->proxy->services);
	v->attempt = 1;
	v->pool = -1;
	v->tried = NULL;
	v->tried_n = 0;
	v->deadline_ms = 0;
	v->co = NULL;
	fill_client(ex);
}

void view_fill_request(struct exchange *ex)
{
	fill_head(ex);
	view_fill(ex);
}

void view_fill_refused(struct exchange *ex)
{
	struct http_head *h = &ex->req;
	bool has_line = h->fields_at > 0;
	ex->refused_n = has_line ? h->n : 0;
	h->n = 0;
	h->present = 0;
	h->host = (struct http_span){ 0, 0 };
	fill_head(ex);
	view_fill(ex);
	if (has_line)
		return;
	ex->view.method_n = ex->view.path_n = ex->view.query_n = 0;
	ex->view.has_query = 0;
}

const struct backend *view_backend(const struct exchange *ex)
{
	return upstream_backend(&ex->proxy->upstream, ex->view.slot, ex->view.epoch);
}
