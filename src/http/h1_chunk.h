/*
 * The chunked coding (RFC 9112 §7.1), strict, resumable, without a buffer of its own. One decoder
 * serves both uses: passing the coded bytes through (everything that was consumed and is not BAD
 * is valid coding) and taking the payload out (the DATA pieces). Trailer fields are checked like
 * header fields; those that would change framing, routing or authentication (RFC 9110 §6.5.1) are
 * refused.
 *
 * In an answer (is_answer) two faults are mended instead: blanks around the parts of a size line,
 * and trailer fields that may not be there, are told as DROP. A DROP of a trailer line begins where
 * the line does, which may be before the bytes of this call: see h1_chunk_held.
 *
 * Bounds and choices: a size has 1 to 16 hex digits, leading zeros included; no blanks anywhere in
 * its line, as peers read them in different ways (RFC 9112 §7.1.1 calls them bad); extensions are
 * name[=token or quoted-string], at most 1 KiB per line and, in a request, 4 KiB per body; at most
 * 64 trailers, within trailer_bytes_max with their line ends.
 */
#ifndef NEAP_HTTP_H1_CHUNK_H
#define NEAP_HTTP_H1_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "http/msg.h"

enum h1_chunk_event {
	CHUNK_MORE, /* all n bytes were consumed, more are needed */
	CHUNK_DATA, /* a piece of payload: *data, *data_n (inside the input) */
	CHUNK_DROP, /* *data, *data_n: consumed bytes that a copy leaves out, see is_answer */
	CHUNK_END,  /* the last byte of the body was consumed, trailers included */
	CHUNK_BAD,  /* malformed: c->reason */
};

enum { H1_CHUNK_HELD_MAX = 32 };

struct h1_chunk {
	uint64_t left;		  /* payload bytes left of this chunk */
	uint32_t line_bytes;	  /* of the size line or trailer section so far */
	uint32_t extension_bytes; /* over the whole body, bounded */
	uint16_t trailers;
	uint16_t digits;
	uint8_t state;
	const char *own;  /* a further name that no trailer may have; NULL: none */
	uint8_t drop;	  /* so many of the bytes consumed last are left out */
	bool is_answer;	  /* its faults are left out, not refused; set after h1_chunk_init */
	bool is_dropping; /* this trailer line */
	uint8_t name_n;	  /* trailer name bytes kept to recognise forbidden ones */
	char name[H1_CHUNK_HELD_MAX + 1];
	uint32_t trailer_bytes_max;
	const char *reason;
};

void h1_chunk_init(struct h1_chunk *c, uint32_t trailer_bytes_max);

/*
 * Consumes *used bytes of the n at in, up to and including the next event (CHUNK_BAD: those
 * before the byte that is wrong).
 */
enum h1_chunk_event h1_chunk_next(struct h1_chunk *c, const char *in, size_t n, size_t *used,
				  const char **data, size_t *data_n);

/*
 * When all input is consumed and ends inside a trailer's name: how many bytes of the name are here
 * (and in c->name) that cannot be passed on yet, since they perhaps must be left out. At most
 * H1_CHUNK_HELD_MAX.
 */
size_t h1_chunk_held(const struct h1_chunk *c);

/* How many bytes of the trailers it has consumed, the empty line after them included. */
size_t h1_chunk_trailer_bytes(const struct h1_chunk *c);

/* No chunk is under way, and the last one did not begin. */
bool h1_chunk_is_between(const struct h1_chunk *c);

/* Payload length n → its size line ("1f4\r\n"), at most 18 bytes into to; returns the count. */
size_t h1_chunk_size_line(char *to, uint64_t n);

#endif
