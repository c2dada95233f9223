/*
 * What hooks see of a request (rq->view), filled from its head and its connection: once, before any
 * hook is asked.
 */
#ifndef NEAP_EXCHANGE_VIEW_H
#define NEAP_EXCHANGE_VIEW_H

#include "exchange/request.h"

/* Fills in who the client is (by the service's trust rule), when it came, and to which service. */
void view_fill(struct request *rq);

/* Fills in that and the parsed head rq->head, which stays where it is while the request lives. */
void view_fill_request(struct request *rq);

/*
 * The same of a head that was refused, for the log hook: only a good request line may be shown,
 * never a field.
 */
void view_fill_refused(struct request *rq);

/* The backend that it names; NULL: none, or one that is gone. */
const struct backend *view_backend(const struct request *rq);

#endif
