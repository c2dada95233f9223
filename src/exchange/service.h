/*
 * A service of the config as a worker serves it: its hooks, limits, deadlines and counts.
 */
#ifndef NEAP_EXCHANGE_SERVICE_H
#define NEAP_EXCHANGE_SERVICE_H

#include "base/log.h"
#include "conf/conf.h"
#include "http/msg.h"
#include "net/addr.h"
#include "net/source_rate.h"
#include "net/timer.h"
#include "script/hook.h"

/* The deadlines, as timer lanes, and the limits of answers of one pool under one service. */
struct pool_lanes {
	struct http_limits answers;
	struct timer_lane *connect, *response, *attempt, *stream_idle, *keepalive_idle;
	struct timer_lane *hedge; /* NULL: none */
};

struct acme;
struct acme_place;
struct plane;
struct policies;
struct ready_key;
struct bundle;
struct tls_context;

struct service {
	struct plane *plane; /* on which it is served */
	const struct conf_service *conf;
	struct hooks *hooks;
	bool asks_connection;		   /* they have `connection` */
	bool asks_key;			   /* they have `key` */
	const struct ready_key *ready_key; /* that is one of neap.key; NULL: it is not */
	uint32_t quic_lengths;		   /* of backends' connection ids, a bit each */
	bool sets_limits;		   /* they may: `request` or `backends` */
	struct board_service_cell *counts; /* this worker's */
	uint32_t number;		   /* in the config */
	uint32_t flows_n;		   /* of datagrams, that are open */
	struct source_rate *datagram_rate, *flow_rate; /* of each source; NULL: any */
	struct hello_place *hello; /* of its hook `certificate`; NULL: it has none */
	struct tls_context *tls;   /* NULL: none of its addresses speaks TLS */
	struct acme_place *acme;   /* NULL: it has no certificates of a CA */
	struct log_limit looping;  /* lines about requests that went round */

	/* What clients may send, and which of their addresses are believed. */
	struct http_limits limits;
	struct cidr *trust;
	unsigned trust_n;

	/* Deadlines; NULL: none. */
	struct timer_lane *client_header, *client_body, *client_idle, *request;
	struct timer_lane *tunnel, *half_closed, *handshake;
	struct timer_lane *udp;	    /* a little more than timeouts.udp, see flow.c */
	struct timer_lane *silence; /* a client that lingers so long without a byte is done */
	struct pool_lanes *pools;   /* by pool index */
};

struct services {
	struct service *of; /* by their number in the config */
	unsigned n;
	struct acme *acme; /* what the CA gave; NULL: no service wants any */
};

/* What they are made from; it outlives them. */
struct services_origin {
	struct plane *plane;
	const struct conf *conf;
	struct policies *policies;
	struct bundle *secrets; /* of the TLS settings; outlives the services */
	struct timers *timers;
	struct board *board;
	unsigned worker; /* slot on the board */
};

/* Makes them all. */
enum err services_init(struct services *s, const struct services_origin *from, struct error *e);
void services_fini(struct services *s); /* harmless on what services_init left after an error */

#endif
