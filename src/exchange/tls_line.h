/*
 * What is known of a client's TLS, as a member of JSON: for the access log, stories and recordings.
 * The names are those of `request.tls` in hooks.
 */
#ifndef NEAP_EXCHANGE_TLS_LINE_H
#define NEAP_EXCHANGE_TLS_LINE_H

#include "base/out.h"
#include "exchange/request.h"
#include "net/tls_seen.h"

struct tls_line {
	struct tls_seen seen;
	struct str ja4, subject;
	char ja4_text[JA4_CHARS + 1];
	char subject_text[TLS_SEEN_SUBJECT_MAX];
};

/* Its texts live as long as *l and the client's connection. False: the client came in the clear. */
bool tls_line_look(struct tls_line *l, const struct request *rq);

/* No text is longer than so many bytes from now on. */
void tls_line_shorten(struct tls_line *l, size_t max);

/* As many bytes of text as tls_line_tell writes, names of members not included. */
size_t tls_line_bytes(const struct tls_line *l);

/* The member "tls". */
void tls_line_tell(struct out *o, const struct tls_line *l);

/* The same with all that policies see of the client's certificate. */
void tls_line_tell_all(struct out *o, const struct tls_line *l);

#endif
