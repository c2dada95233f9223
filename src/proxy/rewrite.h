/*
 * Heads as they go on: the request's towards the backend, the answer's towards the client. Written
 * into the proxy's scratch memory in one pass; unchanged lines are copied byte for byte, in their
 * order.
 */
#ifndef NEAP_PROXY_REWRITE_H
#define NEAP_PROXY_REWRITE_H

#include "proxy/state.h"

/*
 * The request's head for the backend of ex->at. false: it does not fit. The result is valid until
 * the next call.
 */
bool rewrite_request(struct exchange *ex, struct str *head);

/* The head of the answer ex->res, interim or final; edits may be NULL. */
bool rewrite_response(struct exchange *ex, const void *edits, struct str *head);

#endif
