/*
 * The first line of a message (RFC 9112 §3 and §4). Both functions read from the head's first
 * byte, refuse the first byte that cannot be right without waiting for the line's end, and on
 * H1_DONE leave h->at after the line.
 */
#ifndef NEAP_HTTP_H1_LINE_H
#define NEAP_HTTP_H1_LINE_H

#include "http/msg.h"

enum h1_result h1_line_parse_request(struct http_head *h, const char *base, const char *end);
enum h1_result h1_line_parse_status(struct http_head *h, const char *base, const char *end);

/* The enum http_method of this name; METHOD_OTHER: neap does not know it. */
uint8_t h1_line_method_id(struct str method);

#endif
