#include "exchange/flow_entry.h"

#include <string.h>

#include "exchange/flow_rate.h"

/* true: it may be told. */
static bool drop(const struct flow_gate *g, enum board_drop why, enum board_refusal refusal,
		 const struct datagram *d, uint32_t *skipped)
{
	const struct service *s = g->service;
	stat_add(&s->counts->refused[refusal], 1);
	return flow_drop(&s->plane->flows->drops, s, why, datagram_count(d), skipped);
}

/* A graceful stop: the datagram of a client that does not know is nothing to tell. */
static bool is_closing(const struct flow_gate *g, const struct datagram *d)
{
	if (likely(!plane_drains(g->service->plane)))
		return false;
	flow_drop_quietly(g->service, DROP_DRAINING, datagram_count(d));
	return true;
}

/* A datagram that neap sent to itself would go round for ever. */
static bool is_loop(const struct flow_gate *g, const struct datagram *d)
{
	uint32_t skipped;
	if (likely(!flows_is_own(g, d)))
		return false;
	if (drop(g, DROP_LOOP, REFUSED_OTHER, d, &skipped))
		log_error("service %s: a datagram of neap's own came back to it and was dropped: a "
			  "backend's address leads here (%u more)",
			  g->service->conf->name, skipped);
	return true;
}

static bool has_room(const struct flow_gate *g, const struct datagram *d)
{
	const struct service *s = g->service;
	uint32_t skipped;
	if (likely(s->flows_n < s->conf->limits.udp_sessions))
		return true;
	if (drop(g, DROP_SESSIONS, REFUSED_CONNECTIONS, d, &skipped))
		log_warn(
			"service %s: too many flows: %u are open, limits.udp_sessions is %u (%u more "
			"datagrams dropped)",
			s->conf->name, s->flows_n, s->conf->limits.udp_sessions, skipped);
	return false;
}

void flow_entry_refuse(const struct flow_gate *g, const struct datagram *d)
{
	uint32_t skipped;
	(void)drop(g, DROP_POLICY, REFUSED_BY_POLICY, d,
		   &skipped); /* the policy tells what it wants */
}

/* The policy is asked by address, as with connections. */
static bool is_let_in(const struct flow_gate *g, const struct datagram *d)
{
	struct peer peer;
	if (likely(!g->service->asks_connection))
		return true;
	udp_addr_peer(&peer, &d->peer);
	struct neap_request r = { .service = g->service->number,
				  .is_tcp = 1,
				  .is_udp = 1,
				  .ip_family = peer.family,
				  .port = peer.port };
	hook_request_init(&r);
	memcpy(r.ip, peer.ip, sizeof(r.ip));
	if (hook_connection(g->service->hooks, &r))
		return true;
	flow_entry_refuse(g, d);
	return false;
}

bool flow_entry_may(const struct flow_gate *g, const struct datagram *d)
{
	return !is_closing(g, d) && !is_loop(g, d) && flow_rate_may_begin(g, d) && has_room(g, d) &&
	       is_let_in(g, d);
}

bool flow_entry_may_follow(const struct flow_gate *g, const struct datagram *d)
{
	return !is_loop(g, d) && is_let_in(g, d);
}

void flow_entry_fail(const struct flow_gate *g, const struct datagram *d)
{
	uint32_t skipped;
	if (drop(g, DROP_MEMORY, REFUSED_OTHER, d, &skipped))
		log_error("service %s: no memory for a flow: a datagram was dropped (%u more)",
			  g->service->conf->name, skipped);
}
