#include "exchange/flow_header.h"

#include "net/proxy_header.h"

void flow_header_send(struct flow *f, const struct datagram *to)
{
	struct flows *all = flows_of(f);
	struct peer client, own;
	struct datagram one;
	char text[PROXY_HEADER_WRITE_MAX];
	udp_addr_peer(&client, &f->client);
	udp_local_peer(&own, &f->local, f->gate->port);
	size_t n = proxy_header_write_datagram(text, &client, &own);
	for (size_t at = 0; datagram_split(to, &at, &one);) {
		one.head = (struct str){ text, n };
		udp_socket_send(&f->port->socket, all->to_backends, &one, f->gate->service);
	}
}

static void refuse(const struct flow_gate *g, const struct datagram *d, const char *reason)
{
	const struct service *s = g->service;
	char ip[INET6_ADDRSTRLEN];
	struct peer from;
	uint32_t skipped;
	if (!flow_drop(&s->plane->flows->drops, s, DROP_HEADER, 1, &skipped))
		return;
	udp_addr_peer(&from, &d->peer);
	(void)peer_print_ip(&from, ip);
	log_warn(
		"service %s: a datagram from %s was dropped: %s; proxy_protocol expects one before "
		"each datagram (%u more)",
		s->conf->name, ip, reason, skipped);
}

void flow_header_take(struct flow_gate *g, const struct datagram *d,
		      void (*take)(struct flow_gate *g, const struct datagram *d))
{
	struct proxy_header h;
	struct datagram one;
	struct udp_addr client;
	for (size_t at = 0; datagram_split(d, &at, &one);) {
		if (proxy_header_parse_datagram(&h, one.bytes, one.n) != PROXY_HEADER_DONE) {
			refuse(g, d, h.reason);
			continue;
		}
		one.bytes += h.bytes;
		one.n -= h.bytes;
		if (h.has_source && udp_addr_of_peer(&client, &h.source)) {
			one.via = &d->peer;
			one.peer = client;
		}
		take(g, &one);
	}
}
