/*
 * The answer: from the backend (or made here) to the client, with back-pressure. Parses the
 * backend's heads, decides whether both connections can go on, moves the body buffer to socket.
 */
#ifndef NEAP_PROXY_RELAY_H
#define NEAP_PROXY_RELAY_H

#include "proxy/state.h"

/*
 * The attempt's connection is readable (or ended). May change the state to RELAY, TUNNEL, FAILED,
 * TAKE (a stale connection) or END.
 */
void relay_read(struct exchange *ex);

/* The client takes bytes again. */
void relay_write(struct exchange *ex);

/*
 * Sends an answer of our own: head (in scratch memory) and view.reply's body from reply_sent on.
 * State RELAY or END.
 */
void relay_own(struct exchange *ex, struct str head);

/*
 * Sends the final answer ex->res whose head is at the start of down; also after `failed` has let a
 * held one pass.
 */
void relay_begin(struct exchange *ex);

/*
 * Ends an answer that cannot be finished: what is there still goes out, then the connection closes
 * so that the client sees it.
 */
void relay_truncate(struct exchange *ex);

#endif
