/*
 * Answers made here: refusals, failures, and what a script replies.
 */
#ifndef NEAP_PROXY_REPLY_H
#define NEAP_PROXY_REPLY_H

#include "proxy/state.h"

/*
 * Sends status with a short plain-text body and x-neap-error: reason (a constant or view.reason;
 * printable). The exchange goes on to RELAY until the client took it. In tcp mode there is no way
 * to say it: the connection is reset. When bytes of an answer went out already, it ends truncated
 * instead.
 */
void reply_error(struct exchange *ex, uint16_t status, const char *reason);

/* Sends view.reply. */
void reply_script(struct exchange *ex);

/*
 * A whole answer for a connection that gets no exchange (too many connections), into to[size]; its
 * length.
 */
size_t reply_static(char *to, size_t size, uint16_t status, const char *reason);

#endif
