/* Request targets and Host (RFC 9112 §3.2, RFC 9110 §7.2, RFC 3986 §3.2). */
#ifndef NEAP_HTTP_TARGET_H
#define NEAP_HTTP_TARGET_H

#include "http/msg.h"

/*
 * A host and an optional port. The host is a name (letters, digits, -._~, the sub-delims except
 * ',', percent-encoded bytes), an IPv4 address or an IPv6 address in brackets, and never empty. The
 * port is empty or at most 65535.
 */
bool authority_is_valid(struct str authority);

/* Are the two one origin? Case does not count, and the default port is the same as none. */
bool authority_is_same(struct str a, struct str b, struct str default_port);

/*
 * Finds the form of the target, its path and query, and the authority of an absolute one. Accepted
 * are origin form, absolute form of http and https, "*" with OPTIONS, and host:port with CONNECT
 * only. OPTIONS of an absolute target without path and query becomes the asterisk form, as RFC
 * 9112 §3.2.4 asks.
 */
enum h1_result target_parse(struct http_head *h, const char *base);

/* At the end of the head: is Host there, is it valid, and does it agree with an absolute target? */
enum h1_result target_check_host(struct http_head *h, const char *base);

#endif
