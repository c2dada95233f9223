/*
 * What a head's fields say about the message's body and its connection (RFC 9112 §6 and §9). Called
 * when the last field was parsed.
 */
#ifndef NEAP_HTTP_FRAMING_H
#define NEAP_HTTP_FRAMING_H

#include "http/refuse.h"

/* A Content-Length value: digits only, at most 2^63 - 1. */
bool framing_parse_length(struct str value, uint64_t *length);

/* Connection, Upgrade, TE, Expect into h->flags and named_hop. */
enum h1_result framing_read_connection(struct http_head *h, const char *base);

/*
 * Content-Length and Transfer-Encoding into h->framing: of a request for good, of a response as it
 * is if it has a body at all.
 */
enum h1_result framing_read_body(struct http_head *h, const char *base);

#endif
