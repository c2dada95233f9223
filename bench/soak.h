/*
 * What the two sides of the soak share. Each request names how the origin shall behave, a token and a size, as in "/g/1234/100"; each
 * answer carries the token in X-Token, and its body is the pattern that belongs to the token. So nobody can get an answer that is not
 * his without being seen.
 *
 *   g length   c chunked   i 103 first   k and closes   u ends by closing   s in two pieces   e reads a body first
 *   a answers before the body   y bytes behind the answer   r reset   t cut short   d chunked, cut short   x no HTTP   h no answer
 *   b a body that must never be whole
 */
#ifndef BENCH_SOAK_H
#define BENCH_SOAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOAK_SIZE_MAX = 400 * 1024, SOAK_PERIOD = 4093, SOAK_PORTS = 4 };

/* SOAK_SIZE_MAX bytes that belong to this token. */
const char *soak_pattern(uint64_t token);

/* A number below n; the state is the seed. */
uint64_t soak_dice(uint64_t *state, uint64_t n);

int64_t soak_now_ms(void);

/* After the name (with its line end and colon) in a head that is a text; NULL: no such field. */
const char *soak_field(const char *head, const char *name);

/* Is the kind of a request one of these? */
bool soak_is_any(char kind, const char *kinds);

/* Whether another piece of a chunked body in plain bytes is there. */
enum soak_chunk { CHUNK_WANTS, CHUNK_PIECE, CHUNK_ENDED, CHUNK_WRONG };

struct soak_chunks {
	uint64_t left;
	uint8_t state;
	char line[128];
	size_t line_n;
};

/* Uses *used of the n bytes; a PIECE are the *piece bytes before p + *used. */
enum soak_chunk soak_chunk_next(struct soak_chunks *c, const char *p, size_t n, size_t *used,
				size_t *piece);

#endif
