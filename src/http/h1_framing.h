/*
 * What a head's fields say about the message's body and its connection (RFC 9112 §6 and §9).
 * h1_head_parse calls the h1_framing_* when the last field was parsed; the others are questions
 * about whole heads.
 */
#ifndef NEAP_HTTP_H1_FRAMING_H
#define NEAP_HTTP_H1_FRAMING_H

#include "http/msg.h"

/* A Content-Length value: digits only, at most 2^63 - 1. */
bool h1_framing_parse_length(struct str value, uint64_t *length);

/* Connection, Upgrade, TE, Expect into h->flags and named_hop. */
enum h1_result h1_framing_read_connection(struct http_head *h, const char *base);

/*
 * Content-Length and Transfer-Encoding into h->framing. For a request that is final; for a response
 * it holds if there is a body at all.
 */
enum h1_result h1_framing_read_body(struct http_head *h, const char *base);

/*
 * RFC 9112 §6.3 for a response to a request with this method, 1xx too: sets h->framing. false:
 * refuse (h->refusal set): a 1xx with Transfer-Encoding or a Content-Length above 0. A 204 or 304
 * with these has no body, and its connection is not used again (HTTP_STRAY_BODY): a server that
 * announces a body may send one. What a 1xx or 204 says of a length should not be forwarded (RFC
 * 9110 §8.6). HEAD and 304 keep their h->length, without a body.
 */
bool h1_response_framing(struct http_head *h, uint8_t request_method_id);

/*
 * Does the Upgrade of this response, whose bytes are at base, name a protocol, and only such as the
 * request asked for (RFC 9110 §7.8)? Names without case, and without their versions.
 */
bool h1_upgrade_matches(const struct http_head *response, const char *base,
			const struct http_head *request, const char *request_base);

/* May the connection be used again after this message, as far as this head says (RFC 9112 §9.3)? */
bool h1_keeps_alive(const struct http_head *h);

/*
 * How long the sender of this head says that it keeps the connection: the parameter `timeout` of
 * Keep-Alive (RFC 2068 §19.7.1.1), in milliseconds, saturating; UINT32_MAX where it does not say.
 */
uint32_t h1_keep_alive_ms(const struct http_head *h, const char *base);

#endif
