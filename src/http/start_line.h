/*
 * The first line of a message (RFC 9112 §3 and §4). Both functions read from the head's first
 * byte, refuse the first byte that cannot be right without waiting for the line's end, and on
 * H1_DONE leave h->at behind the line.
 */
#ifndef NEAP_HTTP_START_LINE_H
#define NEAP_HTTP_START_LINE_H

#include "http/refuse.h"

enum h1_result request_line_parse(struct http_head *h, const char *base, const char *end);
enum h1_result status_line_parse(struct http_head *h, const char *base, const char *end);

#endif
