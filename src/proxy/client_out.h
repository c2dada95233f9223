/*
 * Bytes to the client: one writev of what waits, in order: heads left over, a head in scratch
 * memory, body bytes of the backend, the body of a script's reply. Arms the write watcher only when
 * the socket is full.
 */
#ifndef NEAP_PROXY_CLIENT_OUT_H
#define NEAP_PROXY_CLIENT_OUT_H

#include "proxy/state.h"

enum client_sent { CLIENT_TOOK_ALL, CLIENT_BLOCKED, CLIENT_GONE };

/* head may be empty. What of it the socket does not take is kept. */
enum client_sent client_send(struct exchange *ex, struct str head);

#endif
