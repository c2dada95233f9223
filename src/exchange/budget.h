/*
 * What a pool's budgets allow: sending again (retry.budget), and hedging.
 */
#ifndef NEAP_EXCHANGE_BUDGET_H
#define NEAP_EXCHANGE_BUDGET_H

#include "exchange/request.h"

/* For both: the first attempt of a request begins. */
void budget_count_request(const struct request *rq);

/*
 * Does the retry budget allow another attempt? Charges it. Always, where there is none, and where
 * nothing of the request was sent: that is no load on anyone.
 */
bool budget_affords_retry(const struct request *rq);

/* May it have a hedge? At most hedge.share of the requests of the last 10 s, but one in any case, unless that is 0. */
bool budget_affords_hedge(const struct request *rq);

#endif
