/*
 * A gRPC call whose answer breaks off has a status to end with, as long as there is room for one.
 */
#ifndef NEAP_EXCHANGE_CALL_END_H
#define NEAP_EXCHANGE_CALL_END_H

#include "exchange/client.h"
#include "exchange/request.h"
#include "upstream/leg.h"

/*
 * The leg is closed, and its answer is not whole. If trailers can end what the client has of it, it is
 * whole on return, and what is to be sent ends with them (call_own_trailers).
 */
void call_end(struct request *rq, struct leg *leg, const struct client *c, struct client_body *out);

#endif
