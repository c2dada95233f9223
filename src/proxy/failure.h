/*
 * A failed attempt in words: for the client's answer and for the log.
 */
#ifndef NEAP_PROXY_FAILURE_H
#define NEAP_PROXY_FAILURE_H

#include "proxy/state.h"

/* Constant; for x-neap-error and outcome.reason. */
const char *failure_words(const struct neap_failure *f);

/* One line about ex->failure, of many the first ones. */
void failure_log(struct exchange *ex);

#endif
