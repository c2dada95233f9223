/*
 * What an exchange is made of, for the files that look at more than one of its parts. What happens
 * to it is the machine's business (exchange.h).
 */
#ifndef NEAP_EXCHANGE_PARTS_H
#define NEAP_EXCHANGE_PARTS_H

#include "exchange/pump.h"
#include "exchange/relay.h"

struct exchange {
	struct request rq;
	struct body body;
	struct attempt at;
	struct relay relay;
	struct client *client;
	struct pump *pump; /* after 101; else NULL */
	uint8_t state;	   /* enum exchange_state */
	uint8_t awaited;   /* for whom the deadline was begun: enum awaited (deadline.h) */
};

#endif
