/*
 * Bytes both ways, unread, until both sides ended: after 101, and all of a connection of a tcp
 * service. With back-pressure; the end of one side is passed on behind its last byte while the
 * other goes on, a reset as a reset. Volumes go through a pipe, past user memory.
 */
#ifndef NEAP_PROXY_TUNNEL_H
#define NEAP_PROXY_TUNNEL_H

#include "proxy/state.h"

/*
 * ex->res is the 101 at the start of down; what both sides sent already goes along. State TUNNEL or
 * END.
 */
void tunnel_start(struct exchange *ex);

/*
 * The attempt's connection stands and no head comes first: what the client sent already goes along.
 * State TUNNEL or END.
 */
void tunnel_open(struct exchange *ex);

/*
 * The client is readable before there is a backend: its bytes and its end are kept, as many as a
 * buffer holds. State END if it is gone.
 */
void tunnel_hold(struct exchange *ex);

void tunnel_client(struct exchange *ex, int events);
void tunnel_backend(struct exchange *ex, int events);

#endif
