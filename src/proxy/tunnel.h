/*
 * After 101: bytes both ways, unread, with back-pressure and half-close, until both sides ended.
 */
#ifndef NEAP_PROXY_TUNNEL_H
#define NEAP_PROXY_TUNNEL_H

#include "proxy/state.h"

/* ex->res is the 101 at the start of down; what both sides sent already goes along. State TUNNEL or END. */
void tunnel_start(struct exchange *ex);

void tunnel_client(struct exchange *ex, int events);
void tunnel_backend(struct exchange *ex, int events);

#endif
