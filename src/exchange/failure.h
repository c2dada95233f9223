/*
 * A failed attempt in words: for the client's answer and for the log.
 */
#ifndef NEAP_EXCHANGE_FAILURE_H
#define NEAP_EXCHANGE_FAILURE_H

#include "exchange/request.h"

/* As hooks see them in `failure` (lua/neap/runtime/views.lua). */
const char *failure_stage(const struct neap_failure *f);
const char *failure_kind(const struct neap_failure *f);

/* Constant; for x-neap-error and outcome.reason. */
const char *failure_words(const struct neap_failure *f);

/* An answer that counts as a failure: by its status, or by that of the gRPC call (GRPC_NONE: no). */
void failure_of_status(struct neap_failure *f, uint16_t status, int grpc_status);

/* Logs rq->failure in one line; where there are many failures, the first ones. */
void failure_log(struct request *rq);

#endif
