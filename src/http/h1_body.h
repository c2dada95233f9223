/*
 * Where a message body ends, one interface for all framings: the relay asks how many of its bytes
 * belong to the body, and whether that was all.
 */
#ifndef NEAP_HTTP_H1_BODY_H
#define NEAP_HTTP_H1_BODY_H

#include "base/buf.h"
#include "http/h1_chunk.h"

struct h1_body {
	uint8_t framing;  /* enum http_framing */
	bool done;	  /* the whole body was seen */
	uint8_t held;	  /* bytes in chunk.name that h1_body_tidy has not passed on yet */
	uint64_t left;	  /* FRAMING_LENGTH: bytes to come */
	uint64_t payload; /* payload bytes so far (without chunk coding) */
	struct h1_chunk chunk;
};

enum h1_body_result { BODY_OK, BODY_BAD };

/* From a parsed head; done at once when there is no body. */
void h1_body_init(struct h1_body *b, const struct http_head *h);

/*
 * The first *used of the n bytes at in belong to this body, coding included; b->done says whether
 * it ended there (bytes after that are the next message, or too many). BODY_BAD: b->chunk.reason.
 */
enum h1_body_result h1_body_feed(struct h1_body *b, const char *in, size_t n, size_t *used);

/*
 * The same, and moves the payload (without the chunk coding and trailers) to the front of in: *kept
 * bytes at in are payload. The lines of the trailers are added to `trailers`, without those that struct
 * h1_chunk says are left out; they are whole when b->done. NULL: nobody wants them.
 */
enum h1_body_result h1_body_decode(struct h1_body *b, char *in, size_t n, size_t *used,
				   size_t *kept, struct buf *trailers);

/*
 * The same, for an answer that keeps its coding: *kept bytes at in are the next ones to send. `in`
 * has room for H1_CHUNK_HELD_MAX bytes more than n. Bytes that struct h1_chunk says are left out;
 * bytes that perhaps must be left out wait inside until that is known, so *kept may also be more
 * than n. trailers: their lines are added there, too, as by h1_body_decode; NULL: nobody wants them.
 */
enum h1_body_result h1_body_tidy(struct h1_body *b, char *in, size_t n, size_t *used, size_t *kept,
				 struct buf *trailers);

/* In the chunk coding: the last byte so far was that of a chunk, so that the last one could follow. */
bool h1_body_is_between(const struct h1_body *b);

/* n more bytes of a body with a length were moved without being read here (n ≤ left). */
void h1_body_skip(struct h1_body *b, uint64_t n);

/* The connection ended: was this a whole body (RFC 9112 §8)? */
bool h1_body_is_whole_at_close(const struct h1_body *b);

#endif
