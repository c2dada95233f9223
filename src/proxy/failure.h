/*
 * A failed attempt in words: for the client's answer and for the log.
 */
#ifndef NEAP_PROXY_FAILURE_H
#define NEAP_PROXY_FAILURE_H

#include "proxy/state.h"

/* As hooks see them in `failure` (lua/neap/runtime/views.lua). */
const char *failure_stage(const struct neap_failure *f);
const char *failure_kind(const struct neap_failure *f);

/* Constant; for x-neap-error and outcome.reason. */
const char *failure_words(const struct neap_failure *f);

/* One line about ex->failure, of many the first ones. */
void failure_log(struct exchange *ex);

#endif
