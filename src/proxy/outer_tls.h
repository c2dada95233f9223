/*
 * What is known of TLS that others ended before us, for the few connections that have it. A
 * connection has a number instead of a pointer: an idle one is to cost little memory.
 */
#ifndef NEAP_PROXY_OUTER_TLS_H
#define NEAP_PROXY_OUTER_TLS_H

#include <stdint.h>

#include "net/client_tls.h"

/* Of all connections of a worker. */
struct outer_tls {
	union outer_tls_place *places;
	uint32_t n, room;
	uint32_t vacant; /* 1 + the place that was vacated last; 0: none */
};

void outer_tls_fini(struct outer_tls *all); /* every one was dropped */

/* Takes over `tls` (of malloc). Its number, from 1 on; 0: no memory, then it is freed. */
uint32_t outer_tls_keep(struct outer_tls *all, struct client_tls *tls);

/* Borrowed; NULL for number 0. */
const struct client_tls *outer_tls_of(const struct outer_tls *all, uint32_t number);

/* Frees it; harmless for 0. */
void outer_tls_drop(struct outer_tls *all, uint32_t number);

#endif
