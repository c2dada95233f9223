/*
 * Reads HTTP/1.1 answers just far enough to know where they end and whether they are good. One
 * reader a connection; no memory of its own.
 */
#ifndef BENCH_READER_H
#define BENCH_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reader_state { READER_HEAD, READER_BODY, READER_CHUNK, READER_TRAILER };

enum reader_result { READER_MORE, READER_DONE, READER_BAD };

struct reader {
	enum reader_state state;
	bool close;    /* the answer said Connection: close */
	uint64_t left; /* of the body, or of the chunk and the line end behind it */
	uint64_t body; /* bytes of body in this answer */
	unsigned status;
};

/*
 * Takes bytes; *used says how many. MORE with bytes not used: a line or a head that is not whole
 * yet, to be given again with what follows.
 */
enum reader_result reader_feed(struct reader *r, const char *p, size_t n, size_t *used);

#endif
