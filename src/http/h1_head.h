/*
 * Heads of HTTP/1 messages, strict (RFC 9112 §2-6, RFC 9110 §5): what is invalid or could be read
 * in two ways is refused, never repaired. Resumable: each call goes on at the first line that was
 * not whole, so a head that comes byte by byte costs no more than one that comes at once.
 */
#ifndef NEAP_HTTP_H1_HEAD_H
#define NEAP_HTTP_H1_HEAD_H

#include "http/msg.h"

/* Makes *h ready for a new message. fields has room for limits->headers. */
void h1_head_init(struct http_head *h, bool is_response, struct http_field *fields,
		  const struct http_limits *limits);

/*
 * Parses n bytes at base, the first of which is the message's first byte (the caller skips empty
 * lines before a request with h1_skip_empty_line). The first byte that cannot be
 * right is refused at once, whole line or not, so the answer never depends on how the bytes were
 * cut into pieces. Bytes after limits->header_bytes are not looked at.
 *
 * A request is refused with: 400 malformed, 414 longer URI than the limit, 431 too many or too
 * long fields, 501 a transfer coding other than one final chunked, 505 a version other than 1.0
 * and 1.1, 417 an unknown expectation; a response with 502, whatever is wrong. On DONE everything
 * RFC 9112 asks of it was checked: request line, fields, Host, target, framing. Its path and query
 * are set, for an absolute target too (an empty path is "/", see h1_path).
 *
 * Where the RFCs leave a choice:
 *
 * - Lines end in CRLF, nowhere in a bare LF; no empty lines but before a request; a method has at
 *   most 32 bytes.
 * - Target: controls, blanks, DEL and '#' are refused, and in the path also non-ASCII, '"', '<',
 *   '>' and '\': curl and others send these raw in a query. All of RFC 3986's others, and the '^',
 *   '`', '{', '|', '}', '[', ']' that browsers send raw, pass. In the path '%' needs two hex digits
 *   (nginx and Go refuse it too); in a query anything may follow it.
 * - Host may not be empty, and 1.0 may leave it out. A ',' is no part of a host; neither is user
 *   information. An absolute target must agree with Host (case and default port aside); CONNECT
 *   is parsed, the caller refuses it.
 * - Content-Length: one field, one number; a list is refused even when all its numbers are the
 *   same.
 * - Transfer-Encoding: "chunked" alone. Unknown codings are 501 also where chunked is not among
 *   them; identity, an empty element, a parameter of chunked, and chunked twice or not last are
 *   400.
 * - Names with '_' pass, but for aliases of known fields in requests (field_is_alias): 400.
 * - Connection: names of guarded fields (field_is_guarded) are ignored; others set named_hop.
 *   Elements that are no tokens are refused, and more than 32 such names.
 * - Expect is a list, of which empty elements do not count. In 1.0, and 100-continue without a
 *   body, it is ignored. Upgrade in 1.0 is ignored.
 * - A response may leave out the reason, and the space before it. Its status is 100 to 999.
 *
 * A response's framing depends on the request: call h1_response_framing then (h1_framing.h).
 */
enum h1_result h1_head_parse(struct http_head *h, const char *base, size_t n);

/*
 * How many bytes (0 or 2) of a leading empty line to skip before a request (RFC 9112 §2.2: CRLF).
 * h1_head_parse says H1_MORE to a lone CR, so call this before each parse while h->at is 0.
 */
size_t h1_skip_empty_line(const char *base, size_t n);

/*
 * The path of a parsed request: its path, or "/" where an absolute target had none ("*" for
 * asterisk form).
 */
struct str h1_path(const struct http_head *h, const char *base);

#endif
