/*
 * Datagrams of udp services that go nowhere: each is counted by its reason, and each reason is told
 * once a second.
 */
#ifndef NEAP_EXCHANGE_FLOW_DROP_H
#define NEAP_EXCHANGE_FLOW_DROP_H

#include "base/log.h"
#include "exchange/service.h"
#include "shm/stats.h"

struct flow_drops {
	struct log_limit telling[DROPS];
};

/* n of them. true: it may be told; *skipped: how often it was not since it was told last. */
bool flow_drop(struct flow_drops *all, const struct service *s, enum board_drop why, uint32_t n,
	       uint32_t *skipped);

/* The same, and never told. */
void flow_drop_quietly(const struct service *s, enum board_drop why, uint32_t n);

/* n of that length that the system did not take, or ICMP says that the path did not; sys: its errno. */
void flow_drop_unsent(struct flow_drops *all, const struct service *s, int sys, uint32_t n,
		      size_t bytes);

#endif
