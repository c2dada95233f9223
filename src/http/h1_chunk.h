/*
 * The chunked coding (RFC 9112 §7.1), strict, resumable, without a buffer of its own. One decoder
 * serves both uses: passing the coded bytes through (everything that was consumed and is not BAD
 * is valid coding) and taking the payload out (the DATA pieces). Trailer fields are checked like
 * header fields; those that would change framing, routing or authentication (RFC 9110 §6.5.1) are
 * refused.
 *
 * Bounds and choices: a size has 1 to 16 hex digits, leading zeros included; no blanks anywhere in
 * its line, as peers read them in different ways (RFC 9112 §7.1.1 calls them bad); extensions are
 * name[=token or quoted-string], at most 1 KiB a line and 4 KiB a body; at most 64 trailers, in
 * trailer_bytes_max with their line ends.
 */
#ifndef NEAP_HTTP_H1_CHUNK_H
#define NEAP_HTTP_H1_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "http/msg.h"

enum h1_chunk_event {
	CHUNK_MORE, /* all n bytes were consumed, more are needed */
	CHUNK_DATA, /* a piece of payload: *data, *data_n (inside the input) */
	CHUNK_END,  /* the last byte of the body was consumed, trailers included */
	CHUNK_BAD,  /* malformed: c->reason */
};

struct h1_chunk {
	uint64_t left;		  /* payload bytes left of this chunk */
	uint32_t line_bytes;	  /* of the size line or trailer section so far */
	uint32_t extension_bytes; /* over the whole body, bounded */
	uint16_t trailers;
	uint16_t digits;
	uint8_t state;
	uint8_t name_n; /* trailer name bytes kept to recognise forbidden ones */
	char name[32];
	uint32_t trailer_bytes_max;
	const char *reason;
};

void h1_chunk_init(struct h1_chunk *c, uint32_t trailer_bytes_max);

/*
 * Consumes *used bytes of the n at in, up to and including the next event (of CHUNK_BAD: those
 * before the byte that is wrong).
 */
enum h1_chunk_event h1_chunk_next(struct h1_chunk *c, const char *in, size_t n, size_t *used,
				  const char **data, size_t *data_n);

/* Payload length n → its size line ("1f4\r\n"), at most 18 bytes into to; returns the count. */
size_t h1_chunk_size_line(char *to, uint64_t n);

#endif
