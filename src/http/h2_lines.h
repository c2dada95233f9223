/*
 * Heads and trailers as text, as HTTP/1 has them, become the fields of HTTP/2 (RFC 9113 §8): names in
 * lower case, pseudo-fields first, without what belongs to an HTTP/1 connection. The text is one that
 * neap wrote or has checked.
 */
#ifndef NEAP_HTTP_H2_LINES_H
#define NEAP_HTTP_H2_LINES_H

#include <nghttp2/nghttp2.h>

#include "base/str.h"

/* Fields of one head; they point into its text. */
struct h2_lines {
	nghttp2_nv *fields; /* the owner's memory */
	size_t n, room;
	bool is_full; /* there were more than room */
};

void h2_lines_init(struct h2_lines *l, nghttp2_nv *memory, size_t room);

/*
 * The head of an answer, "HTTP/1.1 200 OK" and field lines: *status too. Names in `text` become lower
 * case there. false: too many fields.
 */
bool h2_lines_answer(struct h2_lines *l, char *text, size_t n, uint16_t *status);

/*
 * The head of a request, "GET /path HTTP/1.1" and field lines. scheme: "http" or "https". Host becomes
 * :authority. With protocol (RFC 8441) the method becomes CONNECT; empty: none. false: too many fields.
 */
bool h2_lines_request(struct h2_lines *l, char *text, size_t n, struct str scheme,
		      struct str protocol);

/* Field lines alone. false: too many. */
bool h2_lines_trailers(struct h2_lines *l, char *text, size_t n);

#endif
