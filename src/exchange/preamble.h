/*
 * What a connection to a backend begins with where the backend has `send_proxy`: a PROXY header that
 * says who the client is, and what is known of its TLS.
 */
#ifndef NEAP_EXCHANGE_PREAMBLE_H
#define NEAP_EXCHANGE_PREAMBLE_H

#include "exchange/attempt.h"
#include "exchange/client.h"

/* It goes out before all else. false: no memory. */
bool preamble_add(struct attempt *at, const struct client *client);

/* The same, where the backend wants one and it was not sent before TLS. */
bool preamble_begin(struct attempt *at, const struct client *client);

/* As preamble_add, of a client that is a bare stream. */
bool preamble_add_of_stream(struct attempt *at, const struct stream *client);

#endif
