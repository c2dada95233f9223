/*
 * The body of a request for its hooks: gathered while one of them waits for it, kept as it came, or
 * replaced.
 */
#ifndef NEAP_EXCHANGE_GATHER_H
#define NEAP_EXCHANGE_GATHER_H

#include "exchange/attempt.h"
#include "exchange/client.h"
#include "script/abi_body.h"

/* Is all of it here, and no more than max bytes? NEAP_BODY_WAITS: the client still sends. */
enum neap_body_state gather_look(struct attempt *at, uint32_t max);

/* A hook waits for it: the client is read, is told to go on if it asked, and has a deadline. */
void gather_begin(struct attempt *at, struct client *c, uint32_t max);

/* More came: the deadline begins anew. */
void gather_came(struct attempt *at);

/* Can the hook that waits go on? Then its wait is over, and so is the deadline. */
bool gather_is_over(struct attempt *at);

/* Puts other bytes in its place. */
enum neap_body_set gather_replace(struct attempt *at, const char *bytes, uint32_t n);

#endif
