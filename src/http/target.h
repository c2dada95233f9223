/* Request targets and Host (RFC 9112 §3.2, RFC 9110 §7.2, RFC 3986 §3.2). */
#ifndef NEAP_HTTP_TARGET_H
#define NEAP_HTTP_TARGET_H

#include "http/refuse.h"

/*
 * A host and an optional port: the host a name (letters, digits, -._~ and the sub-delims but for
 * ',', percent-encoded bytes), an IPv4 address or an IPv6 address in brackets, never empty; the
 * port empty or up to 65535.
 */
bool authority_is_valid(struct str authority);

/* The two as one origin of this scheme would read them: without case, the default port as none. */
bool authority_is_same(struct str a, struct str b, struct str default_port);

/*
 * Finds the form of the target, and path, query and (of an absolute one) the authority. Accepted
 * are origin form, absolute form of http and https, "*" with OPTIONS, and host:port with CONNECT
 * only. OPTIONS of an absolute target without path and query becomes the asterisk form, as RFC
 * 9112 §3.2.4 asks.
 */
enum h1_result target_parse(struct http_head *h, const char *base);

/* Host, at the end of the head: is it there, valid, and what an absolute target says? */
enum h1_result target_check_host(struct http_head *h, const char *base);

#endif
