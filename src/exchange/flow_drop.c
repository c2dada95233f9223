#include "exchange/flow_drop.h"

#include <errno.h>

#include "exchange/plane.h"
#include "net/sock.h"

void flow_drop_quietly(const struct service *s, enum board_drop why, uint32_t n)
{
	stat_add(&s->counts->dropped[why], n);
}

bool flow_drop(struct flow_drops *all, const struct service *s, enum board_drop why, uint32_t n,
	       uint32_t *skipped)
{
	flow_drop_quietly(s, why, n);
	return log_may(&all->telling[why], loop_now_ms(s->plane->loop), skipped);
}

static enum board_drop reason_of(int sys)
{
	if (sys == EMSGSIZE)
		return DROP_TOO_LONG;
	return sys == EAGAIN || sys == ENOBUFS ? DROP_BUSY : DROP_UNSENT;
}

void flow_drop_unsent(struct flow_drops *all, const struct service *s, int sys, uint32_t n,
		      size_t bytes)
{
	enum board_drop why = reason_of(sys);
	const char *name = s->conf->name;
	uint32_t skipped;
	if (!flow_drop(all, s, why, n, &skipped))
		return;
	if (why == DROP_TOO_LONG && bytes != 0)
		log_warn("service %s: a datagram of %zu bytes is too long to be sent on and was "
			 "dropped (%u more)",
			 name, bytes, skipped);
	else if (why == DROP_TOO_LONG)
		log_warn("service %s: a datagram was too long for the path to its backend and was "
			 "lost (%u more)",
			 name, skipped);
	else
		log_warn("service %s: the system did not take a datagram of %zu bytes: %s (%u "
			 "more)",
			 name, bytes, sock_err_text(sys), skipped);
}
