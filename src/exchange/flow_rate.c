#include "exchange/flow_rate.h"

static uint32_t take(const struct flow_gate *g, struct source_rate *rate, const struct datagram *d,
		     uint32_t n)
{
	const struct service *s = g->service;
	const struct conf_limits *l = &s->conf->limits;
	uint64_t hash = udp_addr_hash_net(&d->peer, l->source_bits_v4, l->source_bits_v6,
					  s->plane->flows->seed);
	return source_rate_take(rate, hash, n, s->plane->loop->now_us);
}

static void drop(const struct flow_gate *g, const struct datagram *d, enum board_drop why,
		 uint32_t n)
{
	const struct service *s = g->service;
	const struct conf_limits *l = &s->conf->limits;
	bool is_flow = why == DROP_SOURCE_FLOWS;
	char ip[INET6_ADDRSTRLEN];
	struct peer from;
	uint32_t skipped;
	if (!flow_drop(&s->plane->flows->drops, s, why, n, &skipped))
		return;
	udp_addr_peer(&from, &d->peer);
	(void)peer_print_ip(&from, ip);
	log_warn("service %s: %s sends too much: datagrams were dropped, limits.%s is %u a second "
		 "(%u more times)",
		 s->conf->name, ip, is_flow ? "source_flows" : "source_datagrams",
		 is_flow ? l->source_flows : l->source_datagrams, skipped);
}

bool flow_rate_admit(const struct flow_gate *g, struct datagram *d)
{
	uint32_t n = datagram_count(d), passed = take(g, g->service->datagram_rate, d, n);
	if (likely(passed == n))
		return true;
	drop(g, d, DROP_SOURCE_DATAGRAMS, n - passed);
	d->n = (size_t)passed * d->segment; /* 0 for one alone, which does not go on */
	return passed > 0;
}

bool flow_rate_may_begin(const struct flow_gate *g, const struct datagram *d)
{
	if (likely(g->service->flow_rate == NULL) || take(g, g->service->flow_rate, d, 1) == 1)
		return true;
	drop(g, d, DROP_SOURCE_FLOWS, datagram_count(d));
	return false;
}
