#include "exchange/flow_veil.h"

#include <errno.h>

bool flow_veil_fits(const struct flow *f)
{
	struct udp_local client;
	uint32_t skipped;
	if (udp_local_of(&client, &f->client, f->server.u.sa.sa_family))
		return true;
	if (log_may(&flows_of(f)->porting, loop_now_ms(flows_of(f)->plane->loop), &skipped))
		log_warn(
			"service %s: a client of IPv%c cannot reach a backend of IPv%c: with source "
			"= \"client\" both need the same version (%u more)",
			f->gate->service->conf->name, client.family == AF_INET ? '4' : '6',
			client.family == AF_INET ? '6' : '4', skipped);
	return false;
}

/* A flow that is found by a key may have gone to a client of the other family. */
bool flow_veil(struct flow *f, struct datagram *to)
{
	if (likely(udp_local_of(&to->local, &f->client, f->server.u.sa.sa_family)))
		return true;
	flow_drop_unsent(&flows_of(f)->drops, f->gate->service, EAFNOSUPPORT, datagram_count(to),
			 to->n);
	return false;
}
