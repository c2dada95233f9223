/*
 * Heads of HTTP/1 messages, strict (RFC 9112 §2-6, RFC 9110 §5): what is invalid or could be read
 * in two ways is refused, never repaired. Resumable: each call goes on at the first line that was not
 * whole, so a head that comes byte by byte costs no more than one that comes at once.
 */
#ifndef NEAP_HTTP_H1_HEAD_H
#define NEAP_HTTP_H1_HEAD_H

#include "http/msg.h"

enum h1_result {
	H1_MORE, /* not whole yet */
	H1_DONE,
	H1_BAD,	 /* head->refusal says why; nothing else of the head may be used */
};

/* Makes *h ready for a new message. fields has room for limits->headers. */
void h1_head_init(struct http_head *h, bool is_response, struct http_field *fields,
		  const struct http_limits *limits);

/*
 * Parses n bytes at base, the first of which is the message's first byte (for a request: one empty
 * line before it is skipped by the caller with h1_skip_empty_line).
 *
 * A request is refused with: 400 malformed, 414 longer URI than the limit, 431 too many or too long fields,
 * 501 a transfer coding other than one final chunked, 505 a version other than 1.0 and 1.1, 417 an unknown expectation.
 * On DONE everything RFC 9112 asks of it was checked: request line, fields, Host, target, framing. Its path and
 * query are set (of an absolute target too; an empty path is "/", see h1_path).
 *
 * A response's framing depends on the request: call h1_response_framing then.
 */
enum h1_result h1_head_parse(struct http_head *h, const char *base, size_t n);

/*
 * RFC 9112 §6.3 for a final (not 1xx) response to a request with this method. false: ambiguous, refuse
 * (h->refusal set). Call for 101 too when an upgrade was asked (no body, the tunnel follows).
 */
bool h1_response_framing(struct http_head *h, uint8_t request_method_id);

/* How many bytes (0, 1 or 2) of a leading empty line to skip before a request (RFC 9112 §2.2: CRLF). */
size_t h1_skip_empty_line(const char *base, size_t n);

/* The path of a parsed request: its path, or "/" where an absolute target had none ("*" for asterisk form). */
struct str h1_path(const struct http_head *h, const char *base);

/* May the connection be used again after this message, as far as this head says (RFC 9112 §9.3)? */
bool h1_keeps_alive(const struct http_head *h);

#endif
