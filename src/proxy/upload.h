/*
 * The request's body: from the client into memory, checked, and on to the attempt, with
 * back-pressure. It is kept whole for as long as it fits into what may be replayed; then it flows.
 */
#ifndef NEAP_PROXY_UPLOAD_H
#define NEAP_PROXY_UPLOAD_H

#include "proxy/state.h"

/*
 * Takes the body bytes that came with the head. false: the body is malformed or too large, an
 * answer is on its way.
 */
bool upload_start(struct exchange *ex);

/* The client's connection is readable while the body is not whole. */
void upload_read(struct exchange *ex);

/* After sending: reads on when there is room again. */
void upload_resume(struct exchange *ex);

#endif
