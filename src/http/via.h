/* Via: which intermediaries a request has passed (RFC 9110 §7.6.3). */
#ifndef NEAP_HTTP_VIA_H
#define NEAP_HTTP_VIA_H

#include "http/msg.h"

/* Does one of its fields say that it was received by this name (case matters)? */
bool via_has(const struct http_head *h, const char *base, struct str name);

#endif
