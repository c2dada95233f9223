/*
 * Answers of neap's own on their way to the client: what rq->own says, or what a policy replied. What
 * follows from the outcome is the exchange's business.
 */
#ifndef NEAP_EXCHANGE_OWN_H
#define NEAP_EXCHANGE_OWN_H

#include "exchange/relay.h"

/* Sends the answer rq->own, and counts it. */
enum relay_outcome own_send_error(struct relay *r);

/*
 * Sends view.reply. RELAY_REFUSED: it has too many headers, and rq->own says so.
 */
enum relay_outcome own_send_script(struct relay *r);

#endif
