/* Max-Forwards: how many more intermediaries may pass a TRACE or OPTIONS on (RFC 9110 §7.6.2). */
#ifndef NEAP_HTTP_MAX_FORWARDS_H
#define NEAP_HTTP_MAX_FORWARDS_H

#include "http/msg.h"

/*
 * Does it bind this request? Only TRACE and OPTIONS that have the field; other methods keep it as
 * it is. *left: the number in it; 0 if it is none, UINT64_MAX if it is larger.
 */
bool max_forwards(const struct http_head *h, const char *base, uint64_t *left);

#endif
