/*
 * One message of HTTP/1 read as a whole, for the parts of neap that answer or ask themselves:
 * scripts and checks, the admin side, the command line. (The proxy passes bodies on in pieces.) No
 * I/O: the caller appends bytes to those that are there and asks how far they go.
 *
 * The buffer is the caller's and may move between two calls. The message begins at its first byte:
 * the head as it came, then the payload without its coding, then bytes that were not looked at. To
 * keep it so, the reader takes out empty lines before a request, 1xx heads before an answer, and
 * the chunked coding.
 */
#ifndef NEAP_HTTP_H1_READER_H
#define NEAP_HTTP_H1_READER_H

#include "http/h1_body.h"
#include "http/h1_head.h"

struct h1_reader_bounds {
	struct http_limits head;
	size_t body_max;       /* bytes of payload */
	unsigned interims_max; /* 1xx heads before an answer; one more is refused */
};

enum h1_reader_result {
	READER_MORE,	 /* all bytes were looked at, more are needed */
	READER_HEAD,	 /* the head is whole: told once, the next call looks at the body */
	READER_DONE,	 /* the body is whole, too */
	READER_BAD_HEAD, /* head.refusal says why */
	READER_BAD_BODY, /* body.chunk.reason says why */
	READER_LONG,	 /* there is more payload than body_max */
};

enum h1_reader_part { READER_IN_HEAD, READER_IN_BODY };

struct h1_reader {
	const struct h1_reader_bounds *bounds;
	struct http_head head; /* of use from READER_HEAD on */
	struct h1_body body;
	enum h1_reader_part part;
	uint8_t asked_id;  /* of an answer: the method of its request, an enum http_method */
	unsigned interims; /* 1xx heads so far */
	size_t body_n;	   /* payload bytes, directly after the head */
};

/*
 * Makes *r ready for a message that has not begun. The fields have room for bounds->head.headers;
 * they and the bounds outlive the message.
 */
void h1_reader_init_request(struct h1_reader *r, struct http_field *fields,
			    const struct h1_reader_bounds *bounds);
void h1_reader_init_answer(struct h1_reader *r, struct http_field *fields,
			   const struct h1_reader_bounds *bounds, uint8_t asked_id);

/*
 * Goes as far as the *n bytes at `bytes` allow; *n becomes less by what is taken out. The results
 * do not depend on how the bytes are cut into calls; after the last four a further call says the
 * same again.
 */
enum h1_reader_result h1_reader_read(struct h1_reader *r, char *bytes, size_t *n);

/* After READER_MORE: is the message whole if the connection ends here (RFC 9112 §8)? */
bool h1_reader_ends_at_close(const struct h1_reader *r);

/* How many bytes of the buffer are the message's so far, from READER_HEAD on. */
size_t h1_reader_bytes(const struct h1_reader *r);

/* The payload so far, from READER_HEAD on. */
struct str h1_reader_payload(const struct h1_reader *r, const char *bytes);

/*
 * From READER_HEAD on, the caller has taken the head and the payload so far out of the buffer: the
 * rest of the payload follows at its first byte, and counts from 0. The texts of the head are gone.
 */
void h1_reader_pass(struct h1_reader *r);

#endif
