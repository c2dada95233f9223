/*
 * The request on its way to a backend: one attempt gets its connection, the head goes out on it, and
 * the body follows as it comes from the client.
 */
#ifndef NEAP_EXCHANGE_FORWARD_H
#define NEAP_EXCHANGE_FORWARD_H

#include "exchange/upload.h"

/* A backend was chosen: gets a connection to it, a sure one where there is no second try. */
enum attempt_outcome forward_take(struct attempt *at);

/* The connection stands: the head goes out, and what is there of the body. */
enum attempt_sent forward_begin(struct attempt *at, struct client *c);

/* More of the request goes out; then the client may send on. */
enum attempt_sent forward_send(struct attempt *at, struct client *c, enum upload_use use);

#endif
