/*
 * The end of an exchange: what its parts hold is given back, and what came of it is told.
 */
#ifndef NEAP_EXCHANGE_CLOSING_H
#define NEAP_EXCHANGE_CLOSING_H

#include "exchange/pump.h"
#include "exchange/relay.h"

/* Once, after all else. pump: NULL where the exchange has become no tunnel. */
void closing_end(struct relay *r, struct pump *pump);

#endif
