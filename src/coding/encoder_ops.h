/*
 * What a coding of content (RFC 9110 §8.4.1) is to its user: a row of functions each, over a library's
 * own state. No I/O. Any process; an encoder belongs to one loop.
 */
#ifndef NEAP_CODING_ENCODER_OPS_H
#define NEAP_CODING_ENCODER_OPS_H

#include <stddef.h>

/* What is wanted of the bytes that are given. */
enum encode_goal {
	ENCODE_MORE,  /* more follows at once */
	ENCODE_FLUSH, /* whoever reads what comes out can read all of them */
	ENCODE_END,   /* they are the last */
};

enum encode_result {
	ENCODE_DONE,
	ENCODE_FULL, /* there is no room left: again, with the same goal and what is left of `in` */
	ENCODE_FAILED, /* no memory */
};

/* Both move on by what was used. */
struct encode_io {
	const char *in;
	size_t in_n;
	char *out;
	size_t out_n;
};

struct encoder_ops {
	void *(*create)(int level); /* NULL: no memory */
	enum encode_result (*run)(void *state, enum encode_goal goal, struct encode_io *io);
	void (*destroy)(void *state);
};

#endif
