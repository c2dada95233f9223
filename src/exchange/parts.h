/*
 * What an exchange is made of, for the files that look at more than one of its parts. What happens
 * to it is the machine's business (exchange.h).
 */
#ifndef NEAP_EXCHANGE_PARTS_H
#define NEAP_EXCHANGE_PARTS_H

#include "exchange/pump.h"
#include "exchange/relay.h"

enum exchange_hedging {
	HEDGING_NONE,
	HEDGING_TIMED, /* it may get a rival: `hedge` was made */
	HEDGING_DONE,  /* it had one */
};

struct exchange {
	struct request rq;
	struct body body;
	struct attempt at;
	struct relay relay;
	struct client *client;
	struct pump *pump; /* after 101; else NULL */
	uint8_t state;	   /* enum exchange_state */
	uint8_t awaited;   /* for whom the deadline was begun: enum awaited (deadline.h) */

	/* Hedging (rivalry.h). */
	uint8_t hedging; /* enum exchange_hedging */
	uint8_t decided; /* in EX_HEDGED: enum choice, what follows if the rival does not win */
	struct exchange *other; /* its rival, or whose rival it is; NULL: there is none */
	struct timer hedge;	/* when it gets one; only made where its pool has hedges */
};

#endif
